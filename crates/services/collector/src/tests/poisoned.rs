//! A message that ends each session must not delay the messages after it.

use api::collection::v1::NotedMessage;

use super::Bench;

const ONE: &[u8] = b"Message-ID: <1@x>\r\n\r\none\r\n";
const BAD: &[u8] = b"Message-ID: <2@x>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\npoison\r\n";
const THREE: &[u8] = b"Message-ID: <3@x>\r\n\r\nthree\r\n";
const WEEK_MS: i64 = 7 * 24 * 3600 * 1000;

async fn bench(leave: &str) -> Bench {
    let messages = [("u1", ONE), ("u2", BAD), ("u3", THREE)];
    let bench = Bench::new("pop3", leave, &messages).await;
    bench.server.state().poisoned = vec![("poison", 20)];
    bench
}

#[tokio::test]
async fn i10_a_message_whose_connection_is_cut_each_time_is_set_aside_and_the_others_come() {
    for restart in [false, true] {
        let mut bench = bench("never").await;
        assert!(bench.poll().await.failed(), "nobody knew before");
        for left in [&["u2"][..], &["u2"], &["u2"]] {
            if restart {
                bench.restart();
            }
            let polled = bench.poll().await;
            assert!(!polled.failed(), "{}", polled.error());
            bench.assert_collected(&[ONE, THREE]);
            assert_eq!(bench.server.uidls(), left);
            assert_eq!(polled.left, 1);
        }
        // A new process reads the first message as a whole again before it deletes it.
        let again = usize::from(restart);
        assert_eq!(bench.server.state().count("RETR"), 5 + again);
        let error = bench.poll().await.error();
        assert_eq!(error, "1 message is set aside");

        let reported = bench.queue.state().uncollected[0].clone();
        assert_eq!((&*reported.remote_id, &*reported.subject), ("u2", "café"));
        assert_eq!((reported.tries, reported.set_aside), (3, true));
        assert_eq!(reported.size, BAD.len() as u64);
        assert!(reported.reason.contains("closed"), "{}", reported.reason);
    }
}

#[tokio::test]
async fn i10_what_was_set_aside_is_read_again_after_a_week() {
    let mut bench = bench("never").await;
    for _ in 0..4 {
        bench.poll().await;
    }
    assert!(bench.queue.state().uncollected[0].set_aside);
    bench.server.state().poisoned.clear();
    bench.poll().await;
    bench.assert_collected(&[ONE, THREE]);
    bench.queue.state().uncollected[0].retry_at_ms -= WEEK_MS;
    let polled = bench.good_poll().await;
    assert_eq!((polled.collected, polled.left), (1, 0));
    bench.assert_collected(&[ONE, BAD, THREE]);
    assert!(bench.server.uidls().is_empty());
    assert!(bench.queue.state().uncollected.is_empty());
}

#[tokio::test]
async fn i10_several_bad_messages_hold_up_nothing_wherever_they_stand() {
    const LAST: &[u8] = b"Message-ID: <4@x>\r\n\r\npoison, too\r\n";
    for leave in ["never", "for ever"] {
        let messages = [("u1", BAD), ("u2", LAST), ("u3", ONE), ("u4", THREE)];
        let mut bench = Bench::new("pop3", leave, &messages).await;
        bench.server.state().poisoned = vec![("poison", 20)];
        for _ in 0..8 {
            bench.poll().await;
        }
        bench.assert_collected(&[ONE, THREE]);
        let state = bench.queue.state();
        let set_aside = state.uncollected.iter().filter(|one| one.set_aside);
        assert_eq!(set_aside.count(), 2, "{:?}", state.uncollected);
    }
}

#[tokio::test]
async fn i10_a_message_that_ends_the_process_is_known_by_its_note() {
    let mut bench = bench("never").await;
    bench.server.state().poisoned.clear();
    let noted = NotedMessage {
        remote_id: "u2".to_owned(),
        size: BAD.len() as u64,
    };
    for tries in 1..=3 {
        // Another process died while reading it.
        bench.restart();
        bench.queue.state().reading = Some(noted.clone());
        // This process is killed in the middle of its session.
        bench.server.state().refuses = vec!["USER"];
        bench.poll().await;
        bench.server.state().refuses.clear();
        assert_eq!(bench.queue.state().uncollected[0].tries, tries);
    }
    assert_eq!(bench.poll().await.error(), "1 message is set aside");
    bench.assert_collected(&[ONE, THREE]);
    assert_eq!(bench.server.uidls(), ["u2"]);
}

#[tokio::test]
async fn a_queue_that_does_not_answer_is_not_the_messages_fault() {
    let mut bench = bench("never").await;
    bench.server.state().poisoned.clear();
    bench.queue.state().away = true;
    for _ in 0..4 {
        assert!(bench.poll().await.failed());
    }
    assert!(bench.queue.state().uncollected.is_empty());
    bench.queue.state().away = false;
    bench.good_poll().await;
    bench.assert_collected(&[ONE, BAD, THREE]);
}

#[tokio::test]
async fn a_message_that_its_server_refuses_is_reported_and_set_aside() {
    let mut bench = bench("never").await;
    bench.server.state().poisoned.clear();
    bench.server.state().withholds = Some("poison");
    for _ in 0..4 {
        assert!(!bench.poll().await.failed());
    }
    bench.assert_collected(&[ONE, THREE]);
    let state = bench.queue.state();
    assert_eq!(state.uncollected.len(), 1);
    assert_eq!(state.uncollected[0].reason, "the server refused RETR: no");
    assert!(state.uncollected[0].set_aside);
}

#[tokio::test]
async fn a_server_that_gives_no_message_at_all_is_not_the_messages_fault() {
    let mut bench = bench("never").await;
    bench.server.state().poisoned.clear();
    bench.server.state().refuses = vec!["RETR"];
    for _ in 0..4 {
        let polled = bench.poll().await;
        assert!(polled.failed());
        assert!(polled.error().contains("gives none"), "{}", polled.error());
    }
    assert!(bench.queue.state().uncollected.is_empty());
    bench.server.state().refuses.clear();
    bench.good_poll().await;
    bench.assert_collected(&[ONE, BAD, THREE]);
}

#[tokio::test]
async fn a_server_that_gives_no_more_in_this_session_is_asked_for_the_others_in_the_next() {
    let mut bench = bench("never").await;
    bench.server.state().poisoned.clear();
    bench.server.state().withholds = Some("<");
    bench.server.state().gives = Some(1);
    assert!(!bench.poll().await.failed());
    bench.assert_collected(&[ONE]);
    assert!(bench.queue.state().uncollected.is_empty());
    bench.server.state().withholds = None;
    bench.good_poll().await;
    bench.assert_collected(&[ONE, BAD, THREE]);
}

#[tokio::test]
async fn i10_a_lone_dot_between_bare_line_feeds_cuts_no_message() {
    const RAW: &[u8] = b"Message-ID: <2@x>\n\nbefore\n.\nafter\n.\r\n";
    let messages = [("u1", ONE), ("u2", RAW), ("u3", THREE)];
    let mut bench = Bench::new("pop3", "never", &messages).await;
    bench.server.state().raw = Some("before");
    bench.good_poll().await;
    let whole = b"Message-ID: <2@x>\r\n\r\nbefore\r\n.\r\nafter\r\n";
    bench.assert_collected(&[ONE, whole, THREE]);
    assert!(bench.server.uidls().is_empty());
}

#[tokio::test]
async fn a_server_that_ends_all_lines_in_a_bare_line_feed_is_read() {
    const RAW: &[u8] = b"Message-ID: <2@x>\n\nbefore\n..dot\n.\n";
    let messages = [("u1", ONE), ("u2", RAW), ("u3", THREE)];
    let mut bench = Bench::new("pop3", "never", &messages).await;
    bench.server.state().raw = Some("before");
    bench.good_poll().await;
    let whole = b"Message-ID: <2@x>\r\n\r\nbefore\r\n.dot\r\n";
    bench.assert_collected(&[ONE, whole, THREE]);
}

#[tokio::test]
async fn i10_words_of_a_message_are_no_answers_of_its_server() {
    // A server that does not escape dots: the rest of the text would pass for replies to DELE and RETR.
    const RAW: &[u8] = b"Message-ID: <2@x>\r\n\r\nbefore\r\n.\r\n+OK\r\n+OK\r\nSubject: made up\r\n\r\nx\r\n.\r\n+OK\r\n.\r\n";
    let messages = [("u1", ONE), ("u2", RAW), ("u3", THREE)];
    let mut bench = Bench::new("pop3", "never", &messages).await;
    bench.server.state().raw = Some("before");
    for _ in 0..4 {
        bench.poll().await;
    }
    bench.assert_collected(&[ONE, THREE]);
    assert_eq!(bench.server.uidls(), ["u2"]);
    let reported = bench.queue.state().uncollected[0].clone();
    assert_eq!((&*reported.remote_id, reported.set_aside), ("u2", true));
    assert!(
        reported.reason.contains("unsolicited data"),
        "{}",
        reported.reason
    );
}

#[tokio::test]
async fn i10_nothing_is_deleted_when_the_server_says_what_it_was_not_asked_for() {
    for (listed_size, at) in [(None, 1), (None, 3), (Some(10_000), 3)] {
        let mut bench = bench("never").await;
        bench.server.state().poisoned.clear();
        bench.server.state().listed_size = listed_size;
        bench.server.state().unasked.insert(at, b"+OK\r\n");
        bench.poll().await;
        assert_eq!(
            bench.server.uidls(),
            ["u1", "u2", "u3"],
            "{listed_size:?} {at}"
        );
    }
}

#[tokio::test]
async fn i10_a_message_of_which_the_server_gives_nothing_stays_there() {
    let messages = [("u1", ONE), ("u2", &b""[..]), ("u3", THREE)];
    let mut bench = Bench::new("pop3", "never", &messages).await;
    bench.server.state().odd_sizes.insert(2, b"2 100");
    bench.poll().await;
    bench.assert_collected(&[ONE, THREE]);
    assert_eq!(bench.server.uidls(), ["u2"]);
    let reported = bench.queue.state().uncollected[0].clone();
    assert_eq!(reported.reason, "its server lists 100 octets and sent none");
}
