//! An invalid line in a listing affects one message, not the whole collection.

use super::Bench;

const ONE: &[u8] = b"Message-ID: <1@x>\r\n\r\none\r\n";
const TWO: &[u8] = b"Message-ID: <2@x>\r\n\r\ntwo\r\n";
const THREE: &[u8] = b"Subject: three\r\n\r\nthree\r\n";

async fn bench(leave: &str) -> Bench {
    let messages = [("u1", ONE), ("u2", TWO), ("u3", THREE)];
    Bench::new("pop3", leave, &messages).await
}

/// Everything is collected once, whatever follows.
async fn collects_once(mut bench: Bench, what: &str) {
    let leaves = bench.account.leave_on_server != rules::LeaveOnServer::Never;
    for (poll, restart) in [false, false, true, false].into_iter().enumerate() {
        if restart {
            bench.restart();
        }
        let polled = bench.good_poll().await;
        let new = if poll == 0 { 3 } else { 0 };
        assert_eq!(polled.collected, new, "{what}, poll {poll}");
    }
    bench.assert_collected(&[ONE, TWO, THREE]);
    assert_eq!(
        bench.server.uidls().len(),
        if leaves { 3 } else { 0 },
        "{what}"
    );
}

#[tokio::test]
async fn i10_odd_lines_of_uidl_cost_no_mail() {
    for line in [
        &b"2"[..],
        b"2 ",
        b"2 abc def",
        b"2 abc\xe9def",
        &[b"2 ", &[b'V'; 300][..]].concat(),
        &[b"2 ", &[b'V'; 9000][..]].concat(),
        b"two u2",
        b"",
        b"0 u2",
        b"99999999999 u2",
        b"%!d(float64=2) u2",
        b"2 \x00",
        b"1 again",
    ] {
        for leave in ["never", "for ever"] {
            for knows_no_top in [false, true] {
                let bench = bench(leave).await;
                let state = || bench.server.state();
                state().odd_uidls.insert(2, line.to_vec());
                state().knows_no_top = knows_no_top;
                let what = format!("{} {leave} {knows_no_top}", line.escape_ascii());
                collects_once(bench, &what).await;
            }
        }
    }
}

#[tokio::test]
async fn i10_odd_lines_of_list_cost_no_mail() {
    for line in [
        &b"2 -1"[..],
        b"2",
        b"2 ",
        b"2 99999999999999999999999",
        b"2 many",
        b"2 0",
        b"two 27",
        b"",
    ] {
        for leave in ["never", "for ever"] {
            let bench = bench(leave).await;
            bench.server.state().odd_sizes.insert(2, line);
            collects_once(bench, &line.escape_ascii().to_string()).await;
        }
    }
}

#[tokio::test]
async fn i10_a_server_without_uidl_or_list_is_read() {
    for refused in [&["UIDL"][..], &["LIST"], &["UIDL", "TOP"]] {
        for leave in ["never", "for ever"] {
            let bench = bench(leave).await;
            bench.server.state().refuses = refused.to_vec();
            collects_once(bench, &format!("{refused:?} {leave}")).await;
        }
    }
    let mut bench = bench("never").await;
    bench.server.state().refuses = vec!["UIDL", "LIST"];
    assert_eq!(bench.poll().await.error(), "the server refused LIST: no");
}

#[tokio::test]
async fn i10_a_uidl_that_becomes_proper_is_another_name_of_the_same_message() {
    let mut bench = bench("for ever").await;
    bench.server.state().refuses = vec!["UIDL"];
    bench.good_poll().await;
    bench.server.state().refuses.clear();
    assert_eq!(bench.good_poll().await.collected, 0);
    assert_eq!(bench.good_poll().await.collected, 0);
    bench.assert_collected(&[ONE, TWO, THREE]);
}

#[tokio::test]
async fn i10_a_message_without_uidl_that_ends_each_session_is_set_aside() {
    for knows_no_top in [false, true] {
        let mut bench = bench("never").await;
        bench.server.state().refuses = vec!["UIDL"];
        bench.server.state().knows_no_top = knows_no_top;
        bench.server.state().poisoned = vec![("two", 20)];
        for _ in 0..8 {
            bench.poll().await;
        }
        bench.assert_collected(&[ONE, THREE]);
        assert_eq!(bench.server.uidls(), ["u2"]);
        assert!(bench.queue.state().uncollected[0].set_aside);
    }
}

#[tokio::test]
async fn a_long_greeting_and_one_of_several_lines_are_read() {
    let long = format!("+OK {}\r\n", "g".repeat(5000));
    for greeting in [long.as_str(), "+OK banner\r\nand a second line\r\n"] {
        let bench = bench("never").await;
        bench.server.state().greeting = Some(greeting.to_owned());
        collects_once(bench, greeting).await;
    }
    let mut bench = bench("never").await;
    bench.server.state().greeting = Some("* BYE not pop3\r\n".to_owned());
    let error = bench.poll().await.error();
    assert_eq!(error, "the server's answer is neither +OK nor -ERR");
}
