//! Delivery to other servers by the DNS.

use std::net::SocketAddr;
use std::sync::Arc;

use api::message::v1::content::Text;
use api::queue::v1::{
    Completion, DeliverBy, DeliveryOptions, Derived, DerivedKind, Notify, Outcome,
};
use delivery::Config;
use test_kit::{FakeDns, TestCertificate};

use crate::notices;
use crate::sink::{Manner, Sink};
use crate::system::{MESSAGE, POLICY, System, message, now_ms};

fn outcome(completion: &Completion) -> (Outcome, &str) {
    let status = completion.reason.split(' ').next().unwrap();
    (completion.outcome(), status)
}

#[tokio::test]
async fn a_message_is_relayed_as_it_is_however_the_server_takes_it() {
    for extensions in [
        vec![],
        vec!["PIPELINING"],
        vec!["PIPELINING", "CHUNKING", "SIZE", "DSN"],
    ] {
        let sink = Sink::start(Manner {
            extensions,
            ..Manner::default()
        })
        .await;
        let zone = "other.test MX 10 mx.other.test\nmx.other.test A 127.0.0.1";
        let system = System::remote(zone, sink.address).await;
        let addresses = ["x@other.test", "refused@other.test", "later@other.test"];
        system.queue.give(vec![message(1, &addresses)]).await;
        let relayed = system.queue.completion(1).await;
        assert_eq!(relayed.outcome(), Outcome::Relayed);
        assert_eq!(relayed.server, "mx.other.test [127.0.0.1]");
        assert_eq!(relayed.reply, "250 2.0.0 taken");
        let refused = system.queue.completion(2).await;
        assert_eq!(outcome(&refused), (Outcome::Bounced, "5.1.1"));
        assert_eq!(refused.reply, "550 5.1.1 no such user");
        let later = system.queue.completion(3).await;
        assert_eq!(outcome(&later), (Outcome::Retry, "4.2.1"));
        let taken = sink.taken();
        assert_eq!(taken.len(), 1, "one transaction");
        assert_eq!(taken[0].content, MESSAGE.as_bytes());
    }
}

/// RFC 1985: a server has restarted at another address.
#[tokio::test]
async fn names_are_looked_up_anew_when_an_attempt_is_asked_for() {
    let sink = Sink::start(Manner::default()).await;
    // No server listens at that address on the sink's port.
    let before =
        "plain.test A 127.0.0.2\nother.test MX 10 old.other.test\nold.other.test A 127.0.0.2";
    let after =
        "plain.test A 127.0.0.1\nother.test MX 10 new.other.test\nnew.other.test A 127.0.0.1";
    let system = System::remote(before, sink.address).await;
    for (first, to) in [(1, "x@plain.test"), (11, "x@other.test")] {
        system.dns.as_ref().unwrap().set(before);
        system.queue.give(vec![message(first, &[to])]).await;
        let completion = system.queue.completion(first).await;
        assert_eq!(outcome(&completion), (Outcome::Retry, "4.4.1"));
        system.dns.as_ref().unwrap().set(after);
        let mut asked = message(first + 1, &[to]);
        // By a clock that is ahead, so that it is later than the cached answer.
        asked.recipients[0].retry_asked_at_ms = now_ms() + 60_000;
        system.queue.give(vec![asked]).await;
        let completion = system.queue.completion(first + 1).await;
        assert_eq!(completion.outcome(), Outcome::Relayed, "{completion:?}");
    }
}

/// The notice about this recipient.
async fn notice(system: &System, recipient_id: i64) -> Derived {
    let of = |one: &&Derived| one.recipient_ids == [recipient_id];
    let notice = system
        .queue
        .until(|state| state.notices.iter().find(of).cloned());
    notice.await
}

#[tokio::test]
async fn mail_for_a_postmaster_without_a_mailbox_goes_to_one_who_reads_elsewhere() {
    let sink = Sink::start(Manner::default()).await;
    let config = Config {
        smtp_port: sink.address.port(),
        ..Config::default()
    };
    let dns = FakeDns::start("other.test A 127.0.0.1").await;
    let policy = POLICY.replace("postmaster@example.test", "admin@other.test");
    let system = System::start(&policy, Some(dns), config).await;
    let addresses = ["PostMaster@example.test", "bob@example.test"];
    let mut parent = message(1, &addresses);
    parent.prefix = "Received: once\r\n".into();
    parent.recipients[0].notify = Notify::from_bits(2);
    system.queue.give(vec![parent.clone()]).await;
    let forwarded = system.queue.completion(1).await;
    assert_eq!(forwarded.outcome(), Outcome::Forwarded, "{forwarded:?}");
    assert_eq!(
        forwarded.reason,
        "forwarded to admin@other.test, by [delivery] postmaster"
    );
    let delivered = system.queue.completion(2).await;
    assert_eq!(delivered.outcome(), Outcome::Delivered);
    let made = system.queue.state().made.clone();
    let [forward] = &made[..] else {
        panic!("one message: {made:?}");
    };
    assert_eq!(forward.kind(), DerivedKind::Forward);
    assert_eq!(forward.recipient_ids, [1]);
    let child = forward.submission.clone().unwrap();
    assert_eq!(child.reverse_path, parent.reverse_path);
    assert_eq!(child.prefix, parent.prefix);
    let body = child.content.unwrap().text;
    assert_eq!(body, Some(Text::Body(parent.body_id)));
    let [to] = &child.recipients[..] else {
        panic!("one recipient: {:?}", child.recipients);
    };
    assert_eq!(
        (&*to.address, to.notify),
        ("admin@other.test", Notify::from_bits(2))
    );
    assert_eq!(to.original_recipient, "rfc822;PostMaster@example.test");

    // The queue makes it a message, which is delivered separately.
    let mut leased = message(21, &[&to.address]);
    leased.depth = 1;
    system.queue.give(vec![leased]).await;
    let relayed = system.queue.completion(21).await;
    assert_eq!(relayed.outcome(), Outcome::Relayed, "{relayed:?}");
    let recipients = &sink.taken()[0].recipients;
    assert!(
        recipients[0].contains("<admin@other.test>"),
        "{recipients:?}"
    );

    // A message that was forwarded too often is returned.
    let mut circle = message(31, &["postmaster@example.test"]);
    circle.depth = api::MAX_DERIVATION_DEPTH;
    system.queue.give(vec![circle]).await;
    let returned = system.queue.completion(31).await;
    assert_eq!(outcome(&returned), (Outcome::Bounced, "5.4.6"));
    notice(&system, 31).await;

    // Too late for another server as well.
    let mut late = message(11, &["postmaster@example.test"]);
    late.recipients[0].epoch = 2;
    late.options = Some(DeliveryOptions {
        deliver_by: Some(DeliverBy {
            deadline_ms: 1,
            or_return: true,
            trace: false,
        }),
        ..DeliveryOptions::default()
    });
    system.queue.give(vec![late]).await;
    let returned = system.queue.completion(11).await;
    assert_eq!(outcome(&returned), (Outcome::Bounced, "5.4.7"));
    assert_eq!(sink.taken().len(), 1);
    let text = notices::text(&notice(&system, 11).await);
    let told = "Final-Recipient: rfc822; postmaster@example.test\r\n";
    assert!(text.contains(told), "{text}");
}

#[tokio::test]
async fn i2_a_forward_that_the_queue_never_takes_is_tried_by_the_schedule_and_returned_in_the_end()
{
    let policy = POLICY.replace("postmaster@example.test", "admin@other.test");
    let system = System::start(&policy, None, Config::default()).await;
    system.queue.state().no_forwards = true;
    let young = message(1, &["postmaster@example.test"]);
    let mut old = message(11, &["postmaster@example.test"]);
    old.received_at_ms -= 30 * 24 * 3_600_000;
    system.queue.give(vec![young, old]).await;

    let retried = system.queue.completion(1).await;
    assert_eq!(outcome(&retried), (Outcome::Retry, "4.3.0"));
    assert_eq!(
        retried.reason,
        "4.3.0 The message could not be forwarded. (poison)"
    );
    let first = rules::Policy::parse(&policy).unwrap();
    let first = first.delivery().retry_after(1).as_millis() as i64;
    assert!((1..=first).contains(&retried.retry_after_ms));

    let returned = system.queue.completion(11).await;
    assert_eq!(outcome(&returned), (Outcome::Bounced, "4.3.0"));
    assert!(
        returned
            .reason
            .ends_with("(the lifetime of the message has ended) (poison)"),
        "{returned:?}"
    );
    let text = notices::text(&notice(&system, 11).await);
    assert!(
        text.contains("The message could not be forwarded."),
        "{text}"
    );
    assert!(!text.contains("poison"), "{text}");
    assert!(system.queue.state().made.is_empty());
}

#[tokio::test]
async fn a_message_larger_than_what_is_read_ahead_arrives_whole() {
    for extensions in [vec!["PIPELINING"], vec!["CHUNKING"]] {
        let sink = Sink::start(Manner {
            extensions,
            ..Manner::default()
        })
        .await;
        let system = System::remote("other.test A 127.0.0.1", sink.address).await;
        let mut large = MESSAGE.as_bytes().to_vec();
        for line in 0..100_000 {
            large.extend_from_slice(format!(".{line}\r\n").as_bytes());
        }
        system.queue.store(2, large.clone());
        let mut leased = message(1, &["x@other.test"]);
        leased.body_id = 2;
        leased.size = large.len() as u64;
        system.queue.give(vec![leased]).await;
        assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Relayed);
        assert!(sink.taken()[0].content == large);
    }
}

#[tokio::test]
async fn the_dns_decides() {
    let sink = Sink::start(Manner::default()).await;
    let zone = "
        null.test MX 0 .
        two.test MX 20 good.test
        two.test MX 10 bad.test
        bad.test A 127.0.0.2
        good.test A 127.0.0.1
        broken.test SERVFAIL
        nowhere.test MX 10 missing.test
        ours.test MX 10 mail.example.test
        ours.test MX 20 good.test
        mail.example.test A 127.0.0.1
        loop.test MX 5 good.test
        loop.test MX 10 mail.example.test";
    let system = System::remote(zone, sink.address).await;
    let addresses = [
        "x@null.test",
        "x@two.test",
        "x@broken.test",
        "x@nowhere.test",
        "x@ours.test",
        "x@loop.test",
        "x@unknown.test",
        "x@[127.0.0.1]",
    ];
    system.queue.give(vec![message(1, &addresses)]).await;
    let expected = [
        (Outcome::Bounced, "5.1.10"),
        (Outcome::Relayed, "taken"),
        (Outcome::Retry, "4.4.3"),
        (Outcome::Bounced, "5.4.4"),
        (Outcome::Bounced, "5.4.6"),
        (Outcome::Relayed, "taken"),
        (Outcome::Bounced, "5.1.2"),
        (Outcome::Relayed, "taken"),
    ];
    for (id, expected) in (1..).zip(expected) {
        let completion = system.queue.completion(id).await;
        assert_eq!(outcome(&completion), expected, "{completion:?}");
    }
}

#[tokio::test]
async fn a_destination_that_hangs_holds_back_no_other() {
    let hanging = Sink::start(Manner {
        silent: true,
        ..Manner::default()
    })
    .await;
    let good = SocketAddr::from(([127, 0, 0, 2], hanging.address.port()));
    Sink::start_at(good, Manner::default()).await;
    let zone = "hangs.test A 127.0.0.1\ngood.test A 127.0.0.2";
    let system = System::remote(zone, hanging.address).await;
    // More than there are credits, and more than the connections of one destination.
    for first in (0..3_000).step_by(100) {
        let addresses = ["x@hangs.test"; 100];
        system.queue.give(vec![message(first, &addresses)]).await;
    }
    system
        .queue
        .give(vec![message(9_000, &["x@good.test", "bob@example.test"])])
        .await;
    assert_eq!(
        system.queue.completion(9_000).await.outcome(),
        Outcome::Relayed
    );
    assert_eq!(
        system.queue.completion(9_001).await.outcome(),
        Outcome::Delivered
    );
    assert!(hanging.connections() <= 8);
    assert_eq!(system.queue.state().completions.len(), 2);
    // Waiting recipients use no credits.
    assert!(system.queue.state().credits >= 4_000);
}

#[tokio::test]
async fn more_hanging_destinations_than_connections_hold_back_no_other() {
    let hanging = Sink::start(Manner {
        silent: true,
        ..Manner::default()
    })
    .await;
    let address = SocketAddr::from(([127, 0, 0, 2], hanging.address.port()));
    let one_each = Manner {
        messages: Some(1),
        ..Manner::default()
    };
    let good = Sink::start_at(address, one_each).await;
    let hosts: Vec<String> = (0..20).map(|n| format!("hangs{n}.test")).collect();
    let mut zone = "good.test A 127.0.0.2".to_owned();
    for host in &hosts {
        zone.push_str(&format!("\n{host} A 127.0.0.1"));
    }
    let config = Config {
        smtp_port: hanging.address.port(),
        connections: 4,
        ..Config::default()
    };
    let system = System::start(POLICY, Some(FakeDns::start(&zone).await), config).await;
    let before = message(9_000, &["x@good.test"]);
    system.queue.give(vec![before]).await;
    system.queue.completion(9_000).await;
    let dead: Vec<String> = hosts.iter().map(|host| format!("x@{host}")).collect();
    let dead: Vec<&str> = dead.iter().map(String::as_str).collect();
    system.queue.give(vec![message(1, &dead)]).await;
    hanging.connected(4).await;
    let after = message(9_001, &["x@good.test"]);
    system.queue.give(vec![after]).await;
    let completion = system.queue.completion(9_001).await;
    assert_eq!(completion.outcome(), Outcome::Relayed);
    assert_eq!(good.connections(), 2, "it had to be opened anew");
    assert_eq!(system.queue.state().completions.len(), 2, "the others hang");
}

#[tokio::test]
async fn a_connection_is_used_again_and_replaced_when_it_was_closed() {
    let sink = Sink::start(Manner {
        messages: Some(2),
        ..Manner::default()
    })
    .await;
    let system = System::remote("other.test A 127.0.0.1", sink.address).await;
    for id in 1..=3 {
        system
            .queue
            .give(vec![message(id, &["x@other.test"])])
            .await;
        assert_eq!(
            system.queue.completion(id).await.outcome(),
            Outcome::Relayed
        );
    }
    let connections: Vec<usize> = sink.taken().iter().map(|one| one.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
}

#[tokio::test]
async fn recipients_that_were_too_many_go_in_the_next_transaction() {
    let sink = Sink::start(Manner {
        recipients: Some(2),
        ..Manner::default()
    })
    .await;
    let system = System::remote("other.test A 127.0.0.1", sink.address).await;
    system
        .queue
        .give(vec![message(1, &["x@other.test"; 5])])
        .await;
    for id in 1..=5 {
        assert_eq!(
            system.queue.completion(id).await.outcome(),
            Outcome::Relayed
        );
    }
    let sizes: Vec<usize> = sink
        .taken()
        .iter()
        .map(|one| one.recipients.len())
        .collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test]
async fn what_cannot_be_reached_is_tried_later_for_all_that_waits() {
    let refusing = Sink::start(Manner {
        greeting: Some("554 5.7.1 not you"),
        ..Manner::default()
    })
    .await;
    let system = System::remote("other.test A 127.0.0.1", refusing.address).await;
    let messages = (1..=50).map(|id| message(id, &["x@other.test"])).collect();
    system.queue.give(messages).await;
    for id in 1..=50 {
        let completion = system.queue.completion(id).await;
        assert_eq!(outcome(&completion), (Outcome::Retry, "4.4.0"));
        assert_eq!(completion.reply, "554 5.7.1 not you");
        assert_eq!(
            completion.reason,
            "4.4.0 other.test [127.0.0.1] refused the connection: 554 5.7.1 not you"
        );
    }
    assert!(refusing.connections() <= 8, "{}", refusing.connections());
}

#[tokio::test]
async fn a_message_that_goes_round_in_a_circle_is_returned() {
    let sink = Sink::start(Manner::default()).await;
    let system = System::remote("other.test A 127.0.0.1", sink.address).await;
    // The message has one Received field itself. All messages that are accepted are relayed.
    for (id, hops, expected) in [(2, 99, Outcome::Relayed), (3, 100, Outcome::Bounced)] {
        let circling = format!("{}{MESSAGE}", "Received: from a by b\r\n".repeat(hops));
        system.queue.store(id, circling);
        let mut leased = message(id, &["x@other.test"]);
        leased.body_id = id;
        system.queue.give(vec![leased]).await;
        let completion = system.queue.completion(id).await;
        assert_eq!(outcome(&completion).0, expected, "{hops}");
    }
    assert_eq!(sink.taken().len(), 1);
}

#[tokio::test]
async fn tls_is_used_where_it_is_offered_whatever_the_certificate_says() {
    let certificate = Arc::new(TestCertificate::for_names(&["somebody.else.test"]));
    let sink = Sink::start(Manner {
        certificate: Some(certificate),
        ..Manner::default()
    })
    .await;
    let system = System::remote("other.test A 127.0.0.1", sink.address).await;
    system.queue.give(vec![message(1, &["x@other.test"])]).await;
    assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Relayed);
    assert!(sink.taken()[0].tls);
}

#[tokio::test]
async fn the_sender_s_wishes_go_along_to_a_server_that_reports() {
    let sink = Sink::start(Manner {
        extensions: vec!["DSN", "SIZE 1000000"],
        ..Manner::default()
    })
    .await;
    let system = System::remote("other.test A 127.0.0.1", sink.address).await;
    let mut wishing = message(1, &["x@other.test"]);
    wishing.recipients[0].notify = Notify::from_bits(3);
    wishing.recipients[0].original_recipient = "rfc822;x@old.test".to_owned();
    wishing.envelope_id = "QQ".to_owned();
    system.queue.give(vec![wishing]).await;
    assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Relayed);
    let taken = &sink.taken()[0];
    let size = MESSAGE.len();
    assert_eq!(
        taken.mail,
        format!("MAIL FROM:<alice@example.test> SIZE={size} ENVID=QQ")
    );
    assert_eq!(
        taken.recipients,
        ["RCPT TO:<x@other.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@old.test"]
    );
    assert!(
        system.queue.state().notices.is_empty(),
        "the other server reports"
    );
}
