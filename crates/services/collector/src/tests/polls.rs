//! Other properties of a poll.

use std::sync::Arc;

use api::queue::v1::Component;
use policy_watch::{FreeSpace, PolicyWatch};
use rules::Policy;

use super::Bench;

/// The domain of bob's mailbox.
const DOMAIN: &str = "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";

const MESSAGE: &[u8] = b"Return-Path: <a@x.test>\r\nMessage-ID: <1@x>\r\n\r\ntext\r\n";

#[tokio::test]
async fn a_message_is_handed_over_with_its_origin_and_identity() {
    let mut bench = Bench::new("pop3", "never", &[("u1", MESSAGE)]).await;
    bench.good_poll().await;
    let submission = bench.queue.state().submissions[0].clone();
    assert_eq!(submission.reverse_path, "a@x.test");
    assert_eq!(submission.recipients[0].address, "bob@example.test");
    assert_eq!(submission.policy_revision, 7);
    let origin = submission.origin.unwrap();
    assert_eq!(origin.component(), Component::Collector);
    assert_eq!(origin.listener, "isp");
    let collected = submission.collected.unwrap();
    assert_eq!((&*collected.account, &*collected.remote_id), ("isp", "u1"));
    assert_eq!(
        &collected.content_hash[..32],
        blake3::hash(MESSAGE).as_bytes()
    );
}

#[tokio::test]
async fn tls_is_spoken_as_the_policy_says() {
    for (protocol, tls) in [("pop3", false), ("pop3s", true), ("pop3-stls", true)] {
        let mut bench = Bench::new(protocol, "never", &[("u1", MESSAGE)]).await;
        assert_eq!(bench.good_poll().await.collected, 1, "{protocol}");
        let origin = bench.queue.state().submissions[0].origin.clone().unwrap();
        assert_eq!(origin.tls, tls, "{protocol}");
    }
}

#[tokio::test]
async fn no_password_is_said_where_tls_is_not_offered() {
    let mut bench = Bench::new("pop3-stls", "never", &[("u1", MESSAGE)]).await;
    bench.server.state().offers_no_stls = true;
    assert!(bench.poll().await.error().contains("does not offer TLS"));
    assert_eq!(bench.server.state().commands, ["CAPA"]);
}

#[tokio::test]
async fn a_large_message_is_streamed_and_its_line_ends_are_completed() {
    let lines = ".a line\nand another\r\n".repeat(50_000);
    let message = format!("Subject: large\n\n{lines}");
    let mut bench = Bench::new("pop3", "never", &[("u1", message.as_bytes())]).await;
    bench.good_poll().await;
    let complete = message.replace("\r\n", "\n").replace('\n', "\r\n");
    bench.assert_collected(&[complete.as_bytes()]);
    assert_eq!(bench.queue.texts(), 1);
}

#[tokio::test]
async fn what_is_left_on_the_server_is_looked_at_once_and_deleted_in_time() {
    let mut bench = Bench::new("pop3", "14 days", &[("u1", MESSAGE)]).await;
    assert_eq!(bench.good_poll().await.collected, 1);
    for _ in 0..3 {
        let polled = bench.good_poll().await;
        assert_eq!((polled.collected, polled.left), (0, 1));
    }
    assert_eq!(bench.server.state().count("RETR"), 1);
    assert_eq!(bench.server.state().count("TOP"), 0);
    bench.restart();
    bench.good_poll().await;
    bench.good_poll().await;
    assert_eq!(bench.server.state().count("TOP"), 1);
    let fifteen_days = 15 * 24 * 3600 * 1000;
    for at in bench.queue.state().ledger.values_mut() {
        *at -= fifteen_days;
    }
    assert_eq!(bench.good_poll().await.left, 0);
    assert!(bench.server.uidls().is_empty());
    bench.assert_collected(&[MESSAGE]);
}

#[tokio::test]
async fn a_server_without_top_is_read_in_whole_after_a_restart() {
    let mut bench = Bench::new("pop3", "for ever", &[("u1", MESSAGE)]).await;
    bench.server.state().knows_no_top = true;
    bench.good_poll().await;
    bench.restart();
    bench.good_poll().await;
    bench.good_poll().await;
    assert_eq!(bench.server.state().count("RETR"), 2);
    bench.assert_collected(&[MESSAGE]);
}

#[tokio::test]
async fn what_cannot_be_taken_stays_and_holds_up_nothing() {
    let huge_header = format!("Subject: {}\r\n\r\nx\r\n", "x".repeat(200 * 1024));
    let messages: [(&str, &[u8]); 3] = [
        ("u-header", huge_header.as_bytes()),
        ("u-refused", b"Subject: refuse me\r\n\r\n"),
        ("u-good", MESSAGE),
    ];
    let mut bench = Bench::new("pop3", "never", &messages).await;
    bench.queue.state().refuses = Some("refuse me");
    let polled = bench.poll().await;
    assert_eq!((polled.collected, polled.left), (1, 2));
    assert!(!polled.failed());
    assert_eq!(polled.error(), "2 messages cannot be taken");
    bench.assert_collected(&[MESSAGE]);
    assert_eq!(bench.server.uidls(), ["u-header", "u-refused"]);
    // They are not read again at each poll.
    bench.poll().await;
    assert_eq!(bench.server.state().count("RETR"), 3);
}

#[tokio::test]
async fn a_message_over_the_limit_is_not_even_read() {
    let mut bench = Bench::new("pop3", "never", &[("u1", MESSAGE)]).await;
    let services = std::sync::Arc::get_mut(&mut bench.services).unwrap();
    services.config.max_message_size = 10;
    assert_eq!(bench.poll().await.error(), "1 message is too large");
    assert_eq!(bench.server.state().count("RETR"), 0);
    assert_eq!(bench.server.uidls(), ["u1"]);
}

#[tokio::test]
async fn when_time_is_up_what_was_collected_is_deleted_and_the_rest_is_for_the_next_poll() {
    let mut bench = Bench::new("pop3", "never", &[("u1", MESSAGE)]).await;
    let services = std::sync::Arc::get_mut(&mut bench.services).unwrap();
    services.config.poll_seconds = 0;
    let polled = bench.poll().await;
    assert!(polled.more && !polled.failed());
    assert_eq!(bench.server.state().count("QUIT"), 1);
}

#[tokio::test]
async fn i7_an_answer_without_end_ends_the_poll() {
    for (verb, protocol) in [("CAPA", "pop3-stls"), ("UIDL", "pop3"), ("LIST", "pop3")] {
        let mut bench = Bench::new(protocol, "never", &[("u1", MESSAGE)]).await;
        bench.server.state().endless = Some(verb);
        assert!(bench.poll().await.failed(), "{verb}");
    }
    let mut bench = Bench::new("pop3", "for ever", &[("u1", MESSAGE)]).await;
    bench.good_poll().await;
    bench.restart();
    bench.server.state().endless = Some("TOP");
    let polled = bench.poll().await;
    let error = polled.error();
    assert!(
        error.starts_with("the server's answer to TOP does not end"),
        "{error}"
    );
}

#[tokio::test]
async fn i10_a_message_larger_than_its_server_says_holds_up_nothing_behind_it() {
    let large = format!("Subject: large\r\n\r\n{}", "x\r\n".repeat(1000));
    let messages: [(&str, &[u8]); 2] = [("u-large", large.as_bytes()), ("u-good", MESSAGE)];
    let mut bench = Bench::new("pop3", "never", &messages).await;
    let services = std::sync::Arc::get_mut(&mut bench.services).unwrap();
    services.config.max_message_size = 100;
    bench.server.state().listed_size = Some(80);
    let polled = bench.poll().await;
    assert!(polled.failed());
    bench.assert_collected(&[]);
    // The next session knows it.
    let polled = bench.poll().await;
    assert_eq!(
        (polled.failed(), polled.collected, polled.left),
        (false, 1, 1)
    );
    bench.assert_collected(&[MESSAGE]);
    assert_eq!(bench.server.uidls(), ["u-large"]);
}

/// The sender of a collected message is unknown: the rules for strangers apply.
#[tokio::test]
async fn i10_results_in_our_name_are_taken_out_and_the_message_is_known_again() {
    const FORGED: &[u8] = b"Message-ID: <1@x>\r\n\
        Authentication-Results: mail.example.test; dmarc=pass\r\n\
        Authentication-Results: isp.test; dmarc=fail\r\n\
        X-Postern-Marks: none\r\n\r\ntext\r\n";
    let mut bench = Bench::new("pop3", "for ever", &[("u1", FORGED)]).await;
    assert_eq!(bench.good_poll().await.collected, 1);
    let cleaned =
        b"Message-ID: <1@x>\r\nAuthentication-Results: isp.test; dmarc=fail\r\n\r\ntext\r\n";
    bench.assert_collected(&[cleaned]);
    bench.restart();
    bench.server.state().renumbers = Some("r");
    assert_eq!(bench.good_poll().await.collected, 0);
}

#[tokio::test]
async fn collected_mail_is_held_to_the_attachment_rules_for_strangers() {
    const PROGRAM: &[u8] =
        b"Subject: it\r\nContent-Type: application/octet-stream; name=it.exe\r\n\r\nMZ\r\n";
    let mails: [(&str, &[u8]); 2] = [("u1", PROGRAM), ("u2", MESSAGE)];
    let mut bench = Bench::new("pop3", "never", &mails).await;
    let rules = |action: &str| {
        let document = format!(
            "[receiving.untrusted]\nblock-attachments = [\"*.exe\"]\n\
             blocked-attachments = \"{action}\"\n{DOMAIN}"
        );
        PolicyWatch::fixed(8, Policy::parse(&document).unwrap())
    };
    bench.policy = rules("refuse");
    let polled = bench.poll().await;
    assert_eq!(polled.error(), "1 message cannot be taken");
    // Nothing is lost: it waits for the administrator.
    assert_eq!(bench.server.uidls(), ["u1"]);
    bench.assert_collected(&[MESSAGE]);

    bench.policy = rules("strip");
    bench.restart();
    bench.good_poll().await;
    assert!(bench.server.uidls().is_empty());
    let stripped = bench.queue.messages().pop().unwrap();
    let stripped = String::from_utf8(stripped).unwrap();
    assert!(
        stripped.contains("Taken out by the mail system"),
        "{stripped}"
    );
    assert!(!stripped.contains("octet-stream"), "{stripped}");
}

#[tokio::test]
async fn a_collected_message_with_a_blocked_attachment_can_go_into_quarantine() {
    const PROGRAM: &[u8] = b"Subject: it\r\nContent-Type: text/plain; name=it.exe\r\n\r\nMZ\r\n";
    let mails: [(&str, &[u8]); 2] = [("u1", PROGRAM), ("u2", MESSAGE)];
    let mut bench = Bench::new("pop3", "never", &mails).await;
    let document = format!(
        "[receiving.untrusted]\nblock-attachments = \"*.exe\"\n\
         blocked-attachments = \"quarantine\"\n[quarantine]\nkeep = \"1 h\"\n{DOMAIN}"
    );
    bench.policy = PolicyWatch::fixed(8, Policy::parse(&document).unwrap());
    bench.good_poll().await;
    assert!(bench.server.uidls().is_empty(), "it is safe in the queue");
    bench.assert_collected(&[PROGRAM, MESSAGE]);
    let state = bench.queue.state();
    let [program, plain] = state.submissions.as_slice() else {
        panic!("{} were enqueued", state.submissions.len());
    };
    let terms = program.quarantine.as_ref().unwrap();
    assert!(
        terms
            .reason
            .starts_with("blocked-attachment: the attachment \"it.exe\" is blocked by its name"),
        "{}",
        terms.reason
    );
    assert_eq!(terms.seconds, 3600);
    assert_eq!(plain.quarantine, None);
}

#[tokio::test]
async fn without_room_everything_stays_on_the_server_until_there_is_some() {
    let messages: [(&str, &[u8]); 2] = [
        ("u1", b"Subject: one\r\n\r\n1\r\n"),
        ("u2", b"Subject: two\r\n\r\n2\r\n"),
    ];
    let mut bench = Bench::new("pop3s", "never", &messages).await;
    // One octet less than the rules for strangers require.
    let space = |free| FreeSpace::fixed(Some(free));
    Arc::get_mut(&mut bench.services).unwrap().free_space = space((1 << 30) - 1);
    let polled = bench.poll().await;
    assert!(
        polled.error().contains("min-free-space"),
        "{}",
        polled.error()
    );
    bench.assert_collected(&[]);
    assert_eq!(bench.server.uidls(), ["u1", "u2"]);

    Arc::get_mut(&mut bench.services).unwrap().free_space = space(1 << 30);
    bench.good_poll().await;
    bench.assert_collected(&[messages[0].1, messages[1].1]);
    assert!(bench.server.uidls().is_empty());
}

#[tokio::test]
async fn a_message_that_the_server_refuses_to_delete_is_told_of_and_collected_once() {
    let messages = [("u1", &b"Message-ID: <1@x>\r\n\r\none\r\n"[..])];
    let mut bench = Bench::new("pop3", "never", &messages).await;
    bench.server.state().refuses = vec!["DELE"];
    for collected in [1, 0] {
        let polled = bench.poll().await;
        assert!(!polled.failed());
        assert_eq!((polled.collected, polled.left), (collected, 1));
        assert_eq!(
            polled.error(),
            "1 message was collected and is not deleted by the server"
        );
        let told = bench.queue.state().uncollected.clone();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].tries, told[0].set_aside), (0, false));
        assert_eq!(
            told[0].reason,
            "it was collected, and its server refuses to delete it: no"
        );
    }
    bench.server.state().refuses.clear();
    bench.good_poll().await;
    assert!(bench.queue.state().uncollected.is_empty());
    assert!(bench.server.uidls().is_empty());
}
