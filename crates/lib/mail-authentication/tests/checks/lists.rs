use std::time::Duration;

use rules::{DnsList, Domain};

use crate::bench::Bench;

const ZONE: &str = "
99.2.0.192.bl.test A 127.0.0.2
99.2.0.192.bl.test A 127.0.0.4
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test A 127.0.0.3
99.2.0.192.broken.test SERVFAIL
99.2.0.192.slow.test SILENCE
";

fn list(zone: &str) -> DnsList {
    DnsList {
        zone: Domain::parse(zone).unwrap(),
        score: 1,
        answers: Vec::new(),
    }
}

#[tokio::test]
async fn lists_are_asked_by_address_and_silence_is_no_listing() {
    let bench = Bench::impatient(ZONE, Duration::from_millis(500)).await;
    let lists = ["bl.test", "other.test", "broken.test", "slow.test"].map(list);
    let rows = [
        ("192.0.2.99", vec!["127.0.0.2", "127.0.0.4"]),
        ("::ffff:192.0.2.99", vec!["127.0.0.2", "127.0.0.4"]),
        ("2001:db8::1", vec!["127.0.0.3"]),
        ("192.0.2.98", vec![]),
    ];
    for (peer, expected) in rows {
        let listings = bench
            .authenticator
            .listings(peer.parse().unwrap(), &lists)
            .await;
        assert_eq!(listings.len(), lists.len());
        let answers = |at: usize| listings[at].answers.iter().map(ToString::to_string);
        assert_eq!(answers(0).collect::<Vec<_>>(), expected, "{peer}");
        for silent in 1..lists.len() {
            assert_eq!(answers(silent).count(), 0, "{peer}");
        }
    }
}
