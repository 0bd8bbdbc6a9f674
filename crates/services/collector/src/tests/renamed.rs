//! Messages whose servers change their UIDLs, or fields that belong to the server's copy.

use super::Bench;

const ONE: &[u8] = b"Message-ID: <1@x>\r\n\r\none\r\n";
const TWO: &[u8] = b"Message-ID: <2@x>\r\n\r\ntwo\r\n";
const NO_ID: &[u8] = b"Subject: alarm\r\n\r\nroom 1\r\n";

async fn bench(leave: &str) -> Bench {
    let messages = [("u1", ONE), ("u2", TWO), ("u3", NO_ID)];
    Bench::new("pop3", leave, &messages).await
}

#[tokio::test]
async fn i10_a_server_that_renumbers_in_each_session_repeats_nothing() {
    for leave in ["for ever", "14 days"] {
        for knows_no_top in [false, true] {
            let mut bench = bench(leave).await;
            bench.server.state().renumbers = Some("r");
            bench.server.state().knows_no_top = knows_no_top;
            assert_eq!(bench.good_poll().await.collected, 3);
            for restart in [false, true, false] {
                if restart {
                    bench.restart();
                }
                let polled = bench.good_poll().await;
                assert_eq!((polled.collected, polled.left), (0, 3), "{leave}");
            }
            bench.assert_collected(&[ONE, TWO, NO_ID]);
            assert_eq!(bench.queue.state().ledger.len(), 3);
        }
    }
}

#[tokio::test]
async fn i10_what_a_server_renumbers_is_deleted_in_its_time() {
    let mut bench = bench("14 days").await;
    bench.server.state().renumbers = Some("r");
    bench.good_poll().await;
    bench.good_poll().await;
    let fifteen_days = 15 * 24 * 3600 * 1000;
    for at in bench.queue.state().ledger.values_mut() {
        *at -= fifteen_days;
    }
    bench.good_poll().await;
    assert!(bench.server.uidls().is_empty());
    bench.assert_collected(&[ONE, TWO, NO_ID]);
}

#[tokio::test]
async fn i10_new_mail_on_a_server_that_renumbers_is_collected() {
    let mut bench = bench("for ever").await;
    bench.server.state().renumbers = Some("r");
    bench.good_poll().await;
    let other = b"Subject: alarm\r\n\r\nroom 2\r\n";
    bench.server.put("u4", other);
    bench.server.put("u5", b"Message-ID: <5@x>\r\n\r\nfive\r\n");
    assert_eq!(bench.good_poll().await.collected, 2);
    let five = b"Message-ID: <5@x>\r\n\r\nfive\r\n";
    bench.assert_collected(&[ONE, TWO, NO_ID, other, five]);
    assert_eq!(bench.good_poll().await.collected, 0);
}

#[tokio::test]
async fn i10_deletions_that_take_no_effect_repeat_nothing_on_a_server_that_renumbers() {
    for refuses_quit in [false, true] {
        let mut bench = bench("never").await;
        bench.server.state().renumbers = Some("r");
        bench.server.state().ignores_dele = true;
        bench.server.state().refuses_quit = refuses_quit;
        for _ in 0..4 {
            bench.poll().await;
        }
        bench.assert_collected(&[ONE, TWO, NO_ID]);
        bench.server.state().ignores_dele = false;
        bench.server.state().refuses_quit = false;
        bench.good_poll().await;
        bench.assert_collected(&[ONE, TWO, NO_ID]);
        assert!(bench.server.uidls().is_empty());
    }
}

#[tokio::test]
async fn i10_fields_that_servers_change_make_no_new_message() {
    for leave in ["for ever", "14 days"] {
        let mut bench = bench(leave).await;
        bench.good_poll().await;
        bench.server.state().grows = "Status: RO\r\nX-UIDL: 17\r\nX-Mozilla-Status: 0001\r\n";
        bench.restart();
        assert_eq!(bench.good_poll().await.collected, 0);
        bench.server.state().renumbers = Some("r");
        assert_eq!(bench.good_poll().await.collected, 0);
        bench.assert_collected(&[ONE, TWO, NO_ID]);
    }
}

#[tokio::test]
async fn i10_a_ledger_of_an_earlier_version_is_understood() {
    const OLD: &[u8] = b"Message-ID: <1@x>\r\nStatus: O\r\n\r\none\r\n";
    for knows_no_top in [false, true] {
        let mut bench = Bench::new("pop3", "for ever", &[("u1", OLD)]).await;
        bench.server.state().knows_no_top = knows_no_top;
        let header = b"Message-ID: <1@x>\nStatus: O\n";
        let hash = [
            *blake3::hash(OLD).as_bytes(),
            *blake3::hash(header).as_bytes(),
        ];
        let entry = ("isp".to_owned(), "u1".to_owned(), hash.concat());
        bench.queue.state().ledger.insert(entry, super::now_ms());
        assert_eq!(bench.good_poll().await.collected, 0);
        bench.assert_collected(&[]);
    }
}
