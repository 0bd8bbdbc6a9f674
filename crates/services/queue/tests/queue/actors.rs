//! Each call that a person asks for, by another actor than one who may.

use api::actor::v1::Actor;
use api::grpc::{Channel, Code, Status};
use api::policy::v1::policy_client::PolicyClient;
use api::policy::v1::{ApplyPolicyRequest, RemoveSecretRequest, SetSecretRequest};
use api::queue::v1::quarantine_client::QuarantineClient;
use api::queue::v1::queue_client::QueueClient;
use api::queue::v1::refusals_client::RefusalsClient;
use api::queue::v1::{
    FindMessageRequest, ListMessagesRequest, ListQuarantinedRequest, ListRefusalsRequest,
    ReadMessageRequest, ReleaseQuarantinedRequest, RemoveQuarantinedRequest, RetryNowRequest,
    SearchHistoryRequest, ShowMessageRequest,
};
use api::rights::SERVICES;
use service_kit::Service;

use crate::harness::{Queue, administrator, submission};

/// No person asks for these: services do, for themselves, or they change nothing and tell of nobody.
const WITHOUT_ACTOR: [&str; 13] = [
    "Enqueue",
    "StoreText",
    "Lease",
    "Complete",
    "ReadBody",
    "GetStatistics",
    "GetFreeSpace",
    "ReportRefusals",
    "GetPolicy",
    "ListRevisions",
    "WatchPolicy",
    "ListSecrets",
    "RevealSecret",
];

/// The calls of these services that a person asks for.
fn calls() -> Vec<&'static str> {
    let ours = SERVICES.iter().filter(|(service, _)| {
        service.starts_with("postern.queue.") || service.starts_with("postern.policy.")
    });
    let calls = ours.flat_map(|(_, calls)| calls.iter().map(|(call, _)| *call));
    calls.filter(|call| !WITHOUT_ACTOR.contains(call)).collect()
}

/// How the call ends, of message `message_id` or of what it does not name.
async fn call(
    channel: &Channel,
    name: &str,
    actor: Option<Actor>,
    message_id: i64,
) -> Result<(), Status> {
    let mut queue = QueueClient::new(channel.clone());
    let mut quarantine = QuarantineClient::new(channel.clone());
    let mut refusals = RefusalsClient::new(channel.clone());
    let mut policy = PolicyClient::new(channel.clone());
    match name {
        "ReadMessage" => {
            let request = ReadMessageRequest {
                actor,
                message_id,
                header_only: false,
            };
            queue.read_message(request).await.map(drop)
        }
        "ListMessages" => {
            let request = ListMessagesRequest {
                actor,
                ..ListMessagesRequest::default()
            };
            queue.list_messages(request).await.map(drop)
        }
        "ShowMessage" => {
            let request = ShowMessageRequest { actor, message_id };
            queue.show_message(request).await.map(drop)
        }
        "FindMessage" => {
            let session = "01M8PP6D2X9Q7".to_owned();
            let request = FindMessageRequest { actor, session };
            queue.find_message(request).await.map(drop)
        }
        "SearchHistory" => {
            let request = SearchHistoryRequest {
                actor,
                ..SearchHistoryRequest::default()
            };
            queue.search_history(request).await.map(drop)
        }
        "RetryNow" => {
            let request = RetryNowRequest {
                actor,
                message_id,
                ..RetryNowRequest::default()
            };
            queue.retry_now(request).await.map(drop)
        }
        "ListQuarantined" => {
            let request = ListQuarantinedRequest {
                actor,
                ..ListQuarantinedRequest::default()
            };
            quarantine.list_quarantined(request).await.map(drop)
        }
        "ReleaseQuarantined" => {
            let request = ReleaseQuarantinedRequest { actor, message_id };
            quarantine.release_quarantined(request).await.map(drop)
        }
        "RemoveQuarantined" => {
            let request = RemoveQuarantinedRequest { actor, message_id };
            quarantine.remove_quarantined(request).await.map(drop)
        }
        "ListRefusals" => {
            let request = ListRefusalsRequest {
                actor,
                ..ListRefusalsRequest::default()
            };
            refusals.list_refusals(request).await.map(drop)
        }
        "ApplyPolicy" => {
            let request = ApplyPolicyRequest {
                actor,
                document: rules::Policy::default_document().to_owned(),
                ..ApplyPolicyRequest::default()
            };
            policy.apply_policy(request).await.map(drop)
        }
        "SetSecret" => {
            let request = SetSecretRequest {
                actor,
                name: "isp".to_owned(),
                value: b"correct horse".to_vec().into(),
            };
            policy.set_secret(request).await.map(drop)
        }
        "RemoveSecret" => {
            let name = "isp".to_owned();
            let request = RemoveSecretRequest { actor, name };
            policy.remove_secret(request).await.map(drop)
        }
        other => panic!("{other}: say how it is called, or that it has no actor"),
    }
}

fn channel(queue: &Queue, process: &'static str) -> Channel {
    Service::for_tests(process)
        .channel(&queue.listen())
        .unwrap()
}

#[tokio::test]
async fn what_a_person_asks_for_is_an_administrators() {
    let queue = Queue::start().await;
    let message = queue.enqueue(submission(["bob@example.test"])).await;
    let message = message.unwrap().message_id;
    let postern = channel(&queue, "postern");
    let calls = calls();
    assert!(calls.len() > 10, "{calls:?}");
    for name in calls {
        let refused = [
            (None, Code::InvalidArgument),
            (Some(Actor::default()), Code::InvalidArgument),
            (Some(Actor::administrator("", None)), Code::InvalidArgument),
            (
                Some(Actor::user(5, "bob@example.test", "192.0.2.1")),
                Code::PermissionDenied,
            ),
            (
                Some(Actor::peer("192.0.2.1", Some("bob@example.test"))),
                Code::PermissionDenied,
            ),
        ];
        for (actor, expected) in refused {
            let refused = call(&postern, name, actor.clone(), message).await;
            let code = refused.unwrap_err().code();
            assert_eq!(code, expected, "{name}: {actor:?}");
        }
        // A service that does not serve administrators does not ask for one, whatever it says.
        let others = call(&channel(&queue, "smtp-server"), name, administrator(), 1).await;
        let code = others.unwrap_err().code();
        assert_eq!(code, Code::PermissionDenied, "{name}");
        match call(&postern, name, administrator(), message).await {
            Ok(()) => {}
            Err(status) => assert_eq!(status.code(), Code::NotFound, "{name}: {status}"),
        }
    }
}

#[tokio::test]
async fn a_front_end_has_the_mail_for_a_domain_tried_for_its_clients_and_no_other() {
    let queue = Queue::start().await;
    let mut client = QueueClient::new(channel(&queue, "smtp-server"));
    let peer = || Some(Actor::peer("192.0.2.1", None));
    let of_domain = |actor| RetryNowRequest {
        actor,
        domain: "example.test".to_owned(),
        ..RetryNowRequest::default()
    };
    client.retry_now(of_domain(peer())).await.unwrap();
    for refused in [
        of_domain(administrator()),
        of_domain(Some(Actor::user(5, "bob@example.test", "192.0.2.1"))),
        RetryNowRequest {
            actor: peer(),
            ..RetryNowRequest::default()
        },
        RetryNowRequest {
            actor: peer(),
            message_id: 1,
            ..RetryNowRequest::default()
        },
    ] {
        let status = client.retry_now(refused.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{refused:?}");
    }
}
