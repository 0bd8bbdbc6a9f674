//! A message that ends each session, on a server that gives new UIDLs in each.

use super::Bench;

const ONE: &[u8] = b"Message-ID: <1@x>\r\n\r\none\r\n";
const BAD: &[u8] = b"Message-ID: <2@x>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\npoison\r\n";
/// As large as the bad one.
const ALIKE: &[u8] = b"Message-ID: <3@x>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nremedy\r\n";
const NEXT: &[u8] = b"Message-ID: <5@x>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\npotion\r\n";
const FOUR: &[u8] = b"Message-ID: <4@x>\r\n\r\nfour, the last\r\n";

async fn bench(leave: &str) -> Bench {
    let messages = [("u1", ONE), ("u2", BAD), ("u3", ALIKE), ("u4", FOUR)];
    let bench = Bench::new("pop3", leave, &messages).await;
    bench.server.state().renumbers = Some("r");
    bench.server.state().poisoned = vec![("poison", 20)];
    bench
}

#[tokio::test]
async fn i10_it_is_set_aside_and_the_others_come() {
    for leave in ["never", "for ever"] {
        for restart in [false, true] {
            let mut bench = bench(leave).await;
            for _ in 0..6 {
                if restart {
                    bench.restart();
                }
                bench.poll().await;
                assert!(bench.queue.state().uncollected.len() <= 2);
            }
            bench.assert_collected(&[ONE, ALIKE, FOUR]);
            {
                let state = bench.queue.state();
                assert_eq!(state.uncollected.len(), 1, "{:?}", state.uncollected);
                let bad = &state.uncollected[0];
                assert_eq!((bad.tries, bad.set_aside), (3, true));
                assert_eq!(bad.subject, "café");
            }
            // It is not asked for again, and holds up no message of its size.
            let asked = bench.server.state().count("RETR");
            bench.server.put("u5", NEXT);
            let polled = bench.poll().await;
            assert_eq!(polled.error(), "1 message is set aside");
            assert_eq!(polled.collected, 1, "{leave}");
            bench.assert_collected(&[ONE, ALIKE, FOUR, NEXT]);
            if leave == "for ever" {
                assert_eq!(bench.server.state().count("RETR"), asked + 1);
            }
        }
    }
}

#[tokio::test]
async fn i10_without_top_the_others_come() {
    for leave in ["never", "for ever"] {
        let mut bench = bench(leave).await;
        bench.server.state().knows_no_top = true;
        for _ in 0..6 {
            bench.poll().await;
            assert!(bench.queue.state().uncollected.len() <= 2);
        }
        let collected = bench.queue.messages();
        assert!(collected.contains(&ONE.to_vec()) && collected.contains(&FOUR.to_vec()));
    }
}

#[tokio::test]
async fn i10_a_message_that_is_gone_is_forgotten() {
    let mut bench = bench("never").await;
    for _ in 0..2 {
        bench.poll().await;
    }
    assert!(!bench.queue.state().uncollected.is_empty());
    bench.server.state().messages.clear();
    bench.good_poll().await;
    assert!(bench.queue.state().uncollected.is_empty());
}
