//! The JSON output for programs: the files in `golden` must not change.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use api::collection::v1::{AccountState, UncollectedMessage};
use api::queue::v1::{
    self as queue, GatewayState, GetStatisticsResponse, HistoryEvent, Outcome, QueuedMessage,
    QueuedRecipient, ShowMessageResponse, WorkerState,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rules::Policy;
use serde::Serialize;
use service_kit::survey::Condition;

use crate::quarantine::{Decided, Decision};
use crate::queue::{Message, Story};
use crate::send::{Draft, Fate, Sent, Timing};
use crate::users::{User, app_passwords::AppPassword};
use crate::{Times, domains, policy, refusals::Refusal, secrets, status};

/// In milliseconds: 2026-11-29T23:33:20Z.
const AT: i64 = 1_796_000_000_000;

#[track_caller]
pub(crate) fn assert_json(value: &impl Serialize, expected: &str) {
    assert_eq!(
        serde_json::to_string_pretty(value).unwrap(),
        expected.trim_end()
    );
}

fn message() -> QueuedMessage {
    QueuedMessage {
        message_id: 1042,
        reverse_path: "a@x.test".to_owned(),
        size: 4096,
        received_at_ms: AT + 123,
        subject: "Hello".to_owned(),
        origin: Some(queue::Origin {
            component: queue::Component::Smtp.into(),
            peer_address: "203.0.113.9".to_owned(),
            helo: "mx.x.test".to_owned(),
            login: "bob@example.test".to_owned(),
            listener: "mx".to_owned(),
            tls: true,
            trust: "external-listener".to_owned(),
            session: "01M8PP6D2X9Q7".to_owned(),
        }),
        quarantine: Some(queue::Quarantined {
            reason: "dmarc-quarantine".to_owned(),
            until_ms: AT + 86_400_000,
        }),
        options: Some(queue::DeliveryOptions {
            deliver_by: Some(queue::DeliverBy {
                deadline_ms: AT + 3_600_000,
                or_return: true,
                trace: false,
            }),
            priority: -3,
            future_release: "for;3600".to_owned(),
        }),
        released_at_ms: AT + 1_000_000,
        recipients: vec![QueuedRecipient {
            address: "bob@example.test".to_owned(),
            attempts: 2,
            due_at_ms: AT + 300_000,
            leased: true,
            last_reason: "connection refused".to_owned(),
            ..QueuedRecipient::default()
        }],
    }
}

fn event() -> HistoryEvent {
    HistoryEvent {
        at_ms: AT,
        recipient_id: (1042 << 14) + 3,
        address: "b@y.test".to_owned(),
        reverse_path: "a@x.test".to_owned(),
        outcome: Outcome::Relayed.into(),
        reason: "taken".to_owned(),
        server: "mx.y.test".to_owned(),
        reply: "250 OK".to_owned(),
        policy_revision: 4,
        worker: "w1".to_owned(),
        session: "01M8PP6D2X9Q7".to_owned(),
    }
}

#[test]
fn a_message_and_its_history() {
    let shown = ShowMessageResponse {
        message: Some(message()),
        history: vec![event()],
        parent: Some(queue::Derivation {
            at_ms: AT,
            message_id: 1042,
            parent_id: 1041,
            kind: queue::DerivedKind::Forward.into(),
            ..queue::Derivation::default()
        }),
        children: vec![queue::Derivation {
            at_ms: AT + 500,
            message_id: 1043,
            parent_id: 1042,
            kind: queue::DerivedKind::Notice.into(),
            ..queue::Derivation::default()
        }],
        more_children: true,
    };
    let story = Story::of(1042, shown);
    assert_json(&story, include_str!("golden/message.json"));
    let plain = Message::from(QueuedMessage {
        message_id: 7,
        ..QueuedMessage::default()
    });
    assert_json(&plain, include_str!("golden/plain.json"));
}

#[test]
fn a_refusal() {
    let refusal = Refusal::from(queue::Refusal {
        at_ms: AT,
        last_at_ms: AT + 900,
        count: 3,
        peer_address: "203.0.113.9".to_owned(),
        helo: "mx.x.test".to_owned(),
        login: "mallory".to_owned(),
        listener: "mx".to_owned(),
        reverse_path: "a@x.test".to_owned(),
        recipient: "b@y.test".to_owned(),
        verdict: "relay-denied".to_owned(),
        reasons: vec!["one".to_owned()],
        policy_revision: 4,
        session: "01M8PP6D2X9Q7".to_owned(),
        service: "smtp-server".to_owned(),
    });
    assert_json(&refusal, include_str!("golden/refusal.json"));
}

#[test]
fn a_user_and_an_application_password() {
    let user = User::from(api::directory::v1::User {
        address: "bob@example.test".to_owned(),
        messages: 3,
        used: 4096,
        created_at_ms: AT,
        ..api::directory::v1::User::default()
    });
    assert_json(&user, include_str!("golden/user.json"));
    let password = AppPassword::from(api::directory::v1::AppPassword {
        name: "phone".to_owned(),
        created_at_ms: AT,
    });
    assert_json(&password, include_str!("golden/app_password.json"));
}

#[test]
fn domain_rules() {
    let policy = Policy::parse(
        "[[domain]]\nname = \"example.test\"\naliases = [\"example.org.test\"]\n\
         deliver = \"mailboxes\"\nunmatched = { catch-all = \"bob\" }\n\
         [[domain.handler]]\nmatch = \"noreply\"\ndeliver = \"discard\"\n\
         [[domain]]\nname = \"*\"\ndeliver = \"direct\"\n",
    )
    .unwrap();
    assert_json(
        &domains::rules(&policy),
        include_str!("golden/domains.json"),
    );
}

#[test]
fn secrets_that_are_set_and_those_that_are_not() {
    let policy = Policy::parse(
        "[[gateway]]\nname = \"isp\"\nhosts = [\"smtp.isp.test\"]\n\
         login = { user = \"office\", secret = \"isp\" }\n",
    )
    .unwrap();
    let secrets = secrets::listed(&["old".to_owned()], &policy);
    assert_json(&secrets, include_str!("golden/secrets.json"));
}

#[test]
fn a_revision_of_the_policy_with_and_without_its_document() {
    let revision = || api::policy::v1::Revision {
        revision: 4,
        made_at_ms: AT,
        author: "bob".to_owned(),
        comment: "why".to_owned(),
        document: "# x\n".to_owned(),
    };
    let both = [
        policy::Revision::with_document(revision()),
        policy::Revision::without_document(revision()),
    ];
    assert_json(&both, include_str!("golden/revision.json"));
}

#[test]
fn a_message_that_was_sent() {
    let fate = |address: &str, outcome, reason: &str| Fate {
        address: address.to_owned(),
        outcome,
        reason: reason.to_owned(),
    };
    let waited_for = Sent {
        message: 7,
        recipients: vec![
            fate("bob@example.test", Some("delivered"), "INBOX"),
            fate("b@y.test", None, ""),
        ],
        waiting: Some(true),
    };
    let on_its_way = Sent {
        message: 8,
        recipients: vec![fate("bob@example.test", None, "")],
        waiting: None,
    };
    assert_json(&[waited_for, on_its_way], include_str!("golden/sent.json"));
}

#[test]
fn decisions_about_quarantine() {
    let decided = Decided {
        message: 1042,
        decision: Decision::Release,
        done: true,
        recipients: 2,
    };
    assert_json(&[decided], include_str!("golden/decided.json"));
}

/// Inputs written by a program are read back unchanged.
#[test]
fn inputs_are_read_as_they_are_written() {
    fn read_again<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
        input: &T,
    ) {
        let json = serde_json::to_string(input).unwrap();
        assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), input);
    }
    read_again(&domains::NewDomain {
        name: Some("example.test".parse().unwrap()),
        aliases: vec!["example.org.test".parse().unwrap()],
        deliver: domains::Deliver::Gateway("isp".to_owned()),
        from: Some(domains::OpenTo::Trusted),
        unmatched: None,
    });
    read_again(&crate::queue::Retry::Domain {
        name: "slow.test".parse().unwrap(),
        subdomains: true,
    });
    let mut session = crate::explain::Session::new([203, 0, 113, 9].into());
    session.users = vec!["bob@example.test".parse().unwrap()];
    session.hold = Some(std::time::Duration::from_secs(60));
    read_again(&session);
    let draft: Draft = serde_json::from_value(serde_json::json!({
        "sender": "",
        "recipients": ["bob@example.test"],
        "subject": "Hello",
        "body": "It works.",
    }))
    .unwrap();
    assert_eq!(draft.sender, Some(rules::ReversePath::Null));
    assert_eq!(draft.timing, Timing::default());
    let nonsense = serde_json::json!({ "recipients": ["no address"], "subject": "", "body": "" });
    let error = serde_json::from_value::<Draft>(nonsense).unwrap_err();
    assert!(error.to_string().starts_with("\"no address\": "), "{error}");
}

#[test]
fn the_status_of_a_system() {
    let policy = Policy::parse(
        "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n\
         [[gateway]]\nname = \"isp\"\nhosts = [\"smtp.isp.test\"]\n\
         [[collect]]\nname = \"box\"\nserver = \"pop.isp.test\"\nprotocol = \"pop3s\"\n\
         login = { user = \"office\", secret = \"isp\" }\n\
         deliver = { mailbox = \"bob@example.test\" }\n",
    )
    .unwrap();
    let times = Times {
        now: Timestamp::from_millisecond(AT + 200_000).unwrap(),
        zone: TimeZone::UTC,
    };
    let answers = status::Answers {
        processes: vec![queue_process()],
        queue: Ok(status::Queue::from(statistics())),
        policy: Ok((4, policy)),
        collection: Ok(vec![account()]),
        users: Ok(status::Users::default()),
        upkeep: Ok(status::Upkeep {
            outdated_summaries: 5,
            renewed_summaries: 3,
            unreadable_messages: 1,
        }),
        lacks: Some(Ok(Vec::new())),
    };
    let status = answers.status(&times);
    assert_json(&status, include_str!("golden/status.json"));
}

fn queue_process() -> status::ProcessState {
    let conditions = [
        Condition::Serving,
        Condition::NotReady("the database is away".to_owned()),
    ];
    let endpoint = "unix:/run/queue.sock".to_owned();
    status::ProcessState::new("queue".to_owned(), endpoint, true, &conditions)
}

fn statistics() -> GetStatisticsResponse {
    GetStatisticsResponse {
        messages: 1,
        recipients: 2,
        due: 2,
        leased: 1,
        oldest_due_ms: 61_000,
        workers: 1,
        enqueued: 9,
        completed: 7,
        quarantined: 3,
        worker_states: vec![WorkerState {
            name: "w".to_owned(),
            clock_ahead_ms: Some(3_456_000_000),
        }],
        gateways: vec![GatewayState {
            gateway: "isp".to_owned(),
            failing_since_ms: AT,
            last_failure: "refused".to_owned(),
            last_failure_ms: AT + 100_000,
            last_success_ms: AT - 1_000_000_000,
        }],
    }
}

fn account() -> AccountState {
    AccountState {
        account: "box".to_owned(),
        last_poll_ms: AT,
        last_success_ms: AT - 1_000_000_000,
        last_error: "login refused".to_owned(),
        failures: 3,
        last_collected: 1,
        total_collected: 12,
        left: 2,
        uncollected: vec![UncollectedMessage {
            remote_id: "u2".to_owned(),
            subject: "Minutes".to_owned(),
            size: 2048,
            reason: "closed".to_owned(),
            tries: 3,
            set_aside: true,
            retry_at_ms: AT + 500_000_000,
            ..UncollectedMessage::default()
        }],
    }
}
