//! I10: collect, commit, then delete. A crash in between neither loses nor repeats a message.

use super::Bench;

const ONE: &[u8] = b"Return-Path: <a@x.test>\r\nMessage-ID: <1@x>\r\n\r\n.one\r\n";
const TWO: &[u8] = b"Message-ID: <2@x>\r\n\r\ntwo\r\n";
const THREE: &[u8] = b"Message-ID: <3@x>\r\n\r\n..\r\n.\r\nthree\r\n";

async fn bench(leave: &str) -> Bench {
    let messages = [("u1", ONE), ("u2", TWO), ("u3", THREE)];
    Bench::new("pop3", leave, &messages).await
}

/// Octets that the server sends in a session without faults.
async fn octets_of_a_session() -> usize {
    let mut bench = bench("never").await;
    bench.good_poll().await;
    bench.server.state().said
}

#[tokio::test]
async fn i10_a_connection_lost_at_any_octet_neither_loses_nor_repeats() {
    let all = octets_of_a_session().await;
    for cut in 0..all {
        let mut bench = bench("never").await;
        bench.server.state().cut_after = Some(cut);
        let polled = bench.poll().await;
        assert!(polled.failed(), "cut at {cut}");
        bench.server.state().cut_after = None;
        if cut % 2 == 0 {
            bench.restart();
        }
        bench.good_poll().await;
        bench.assert_collected(&[ONE, TWO, THREE]);
        assert!(bench.server.uidls().is_empty(), "cut at {cut}");
    }
}

#[tokio::test]
async fn i10_nothing_is_deleted_that_the_queue_did_not_commit() {
    let mut bench = bench("never").await;
    bench.queue.state().away = true;
    assert!(bench.poll().await.failed());
    assert_eq!(bench.server.state().count("DELE"), 0);
    assert_eq!(bench.server.uidls(), ["u1", "u2", "u3"]);
    bench.queue.state().away = false;
    assert_eq!(bench.good_poll().await.collected, 3);
    bench.assert_collected(&[ONE, TWO, THREE]);
}

#[tokio::test]
async fn i10_a_commit_whose_answer_was_lost_is_not_repeated() {
    for (lost, deleted, left) in [
        ("<1@x>", 0, &["u1", "u2", "u3"][..]),
        ("<2@x>", 1, &["u2", "u3"]),
        ("<3@x>", 2, &["u3"]),
    ] {
        let mut bench = bench("never").await;
        bench.queue.state().loses_answer_to = Some(lost);
        assert!(bench.poll().await.failed());
        // Messages known to be committed are deleted all the same.
        assert_eq!(bench.server.state().count("DELE"), deleted);
        assert_eq!(bench.server.uidls(), left);
        bench.queue.state().loses_answer_to = None;
        bench.restart();
        bench.good_poll().await;
        bench.assert_collected(&[ONE, TWO, THREE]);
        assert!(bench.server.uidls().is_empty());
    }
}

#[tokio::test]
async fn i10_the_same_bytes_under_another_uidl_are_another_message() {
    let mut bench = bench("never").await;
    bench.good_poll().await;
    bench.server.put("u4", TWO);
    bench.good_poll().await;
    bench.assert_collected(&[ONE, TWO, THREE, TWO]);
}

#[tokio::test]
async fn i10_another_message_under_an_old_uidl_is_collected() {
    for leave in ["never", "14 days", "for ever"] {
        for restart in [false, true] {
            let mut bench = bench(leave).await;
            bench.good_poll().await;
            bench.server.state().messages.clear();
            bench.server.put("u2", THREE);
            bench.server.put("u1", ONE);
            bench.server.put("u3", b"Message-ID: <4@x>\r\n\r\nfour\r\n");
            if restart {
                bench.restart();
            }
            bench.good_poll().await;
            let four = b"Message-ID: <4@x>\r\n\r\nfour\r\n";
            bench.assert_collected(&[ONE, TWO, THREE, THREE, four]);
        }
    }
}

#[tokio::test]
async fn i10_before_it_is_deleted_a_message_is_compared_in_whole() {
    // The same UIDL, size and header section, but another text.
    const OTHER: &[u8] = b"Message-ID: <2@x>\r\n\r\nTWO\r\n";
    let mut bench = Bench::new("pop3", "never", &[("u2", TWO)]).await;
    bench.good_poll().await;
    bench.restart();
    bench.server.put("u2", OTHER);
    bench.good_poll().await;
    bench.assert_collected(&[TWO, OTHER]);
}

#[tokio::test]
async fn i10_two_messages_under_one_uidl_are_both_collected() {
    for leave in ["never", "for ever"] {
        let messages = [("same", ONE), ("same", TWO)];
        let mut bench = Bench::new("pop3", leave, &messages).await;
        bench.good_poll().await;
        bench.good_poll().await;
        bench.assert_collected(&[ONE, TWO]);
    }
}

#[tokio::test]
async fn i10_a_server_that_ignores_dele_repeats_nothing() {
    let mut bench = bench("never").await;
    bench.server.state().ignores_dele = true;
    assert_eq!(bench.good_poll().await.collected, 3);
    for _ in 0..3 {
        assert_eq!(bench.good_poll().await.collected, 0);
    }
    // A message read as a whole is not read again: its header section suffices.
    assert_eq!(bench.server.state().count("RETR"), 3);
    bench.restart();
    assert_eq!(bench.good_poll().await.collected, 0);
    bench.assert_collected(&[ONE, TWO, THREE]);
}

#[tokio::test]
async fn i10_the_ledger_forgets_only_what_is_gone_from_the_server() {
    let mut bench = bench("never").await;
    bench.server.state().ignores_dele = true;
    bench.good_poll().await;
    bench.good_poll().await;
    assert_eq!(bench.queue.state().ledger.len(), 3);
    bench.server.state().ignores_dele = false;
    bench.good_poll().await;
    assert_eq!(bench.queue.state().ledger.len(), 3);
    bench.good_poll().await;
    assert!(bench.queue.state().ledger.is_empty());
}
