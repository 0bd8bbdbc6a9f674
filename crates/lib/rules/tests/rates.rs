//! Who is counted with whom.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use rules::{Counted, EmailAddress, Policy, ReversePath, SessionFacts};

const POLICY: &str = r#"
[receiving.untrusted]
greylisting = { delay = "5 min" }
rates = [
  { count = "messages", per = "address", limit = 10, every = "1 min" },
  { count = "messages", per = "network", limit = 20, every = "1 min" },
  { count = "messages", per = "sender", limit = 30, every = "1 h" },
  { count = "messages", per = "login", limit = 40, every = "1 h" },
]
"#;

fn facts(peer: &str) -> SessionFacts {
    let mut facts = SessionFacts::new("mx", peer.parse().unwrap(), "192.0.2.1".parse().unwrap());
    facts.class = rules::ListenerClass::External;
    facts
}

/// By address, network, sender and login.
fn subjects(peer: &str, sender: &str) -> [Option<String>; 4] {
    let policy = Policy::parse(POLICY).unwrap();
    let facts = facts(peer);
    let trust = policy.trust(&facts);
    let sender = ReversePath::parse(sender).unwrap();
    let all: Vec<_> = policy
        .rates(&trust, Counted::Messages)
        .map(|rate| rate.subject(&facts, Some(&sender)))
        .collect();
    all.try_into().unwrap()
}

#[test]
fn peers_are_told_apart_by_address_and_network() {
    // Two peers; whether they are one by address, and by network.
    for (one, other, address, network) in [
        ("203.0.113.9", "203.0.113.9", true, true),
        ("203.0.113.9", "203.0.113.10", false, true),
        ("203.0.113.9", "203.0.114.9", false, false),
        ("203.0.113.9", "::ffff:203.0.113.9", true, true),
        ("2001:db8::1", "2001:db8::ffff:1", true, true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false, true),
        ("2001:db8:1::1", "2001:db8:2::1", false, false),
    ] {
        let (a, b) = (subjects(one, "a@x.test"), subjects(other, "a@x.test"));
        assert_eq!(a[0] == b[0], address, "{one} {other}");
        assert_eq!(a[1] == b[1], network, "{one} {other}");
        assert_ne!(a[0], a[1], "rates do not share");
    }
}

#[test]
fn senders_are_told_apart_but_for_their_case_and_nobody_is_nobody() {
    let peer = "203.0.113.9";
    assert_eq!(
        subjects(peer, "Bob@X.test")[2],
        subjects("2001:db8::1", "bob@x.test")[2]
    );
    assert_ne!(subjects(peer, "a@x.test")[2], subjects(peer, "b@x.test")[2]);
    assert_eq!(subjects(peer, "")[2], None);
    assert_eq!(subjects(peer, "a@x.test")[3], None, "no login");
}

#[test]
fn trusted_sessions_have_rates_of_their_own() {
    let policy = Policy::parse(POLICY).unwrap();
    let mut facts = facts("203.0.113.9");
    facts.login = Some("bob@example.test".to_owned());
    let trust = policy.trust(&facts);
    assert_eq!(policy.rates(&trust, Counted::Messages).count(), 0);
    let sender = ReversePath::parse("a@x.test").unwrap();
    let recipient = EmailAddress::parse("b@y.test").unwrap();
    assert!(
        policy
            .greylisting(&facts, &trust, &sender, &recipient)
            .is_none()
    );
}

#[test]
fn a_visit_is_known_from_the_neighbourhood_and_in_any_case() {
    let policy = Policy::parse(POLICY).unwrap();
    let visit = |peer: &str, sender: &str, recipient: &str| {
        let facts = facts(peer);
        let sender = ReversePath::parse(sender).unwrap();
        let recipient = EmailAddress::parse(recipient).unwrap();
        let trust = policy.trust(&facts);
        let greylisted = policy.greylisting(&facts, &trust, &sender, &recipient);
        greylisted.unwrap().1
    };
    let first = visit("203.0.113.9", "a@x.test", "b@y.test");
    assert_eq!(first, visit("203.0.113.77", "A@X.test", "B@y.test"));
    assert_ne!(first, visit("203.0.114.9", "a@x.test", "b@y.test"));
    assert_ne!(first, visit("203.0.113.9", "c@x.test", "b@y.test"));
    assert_ne!(first, visit("203.0.113.9", "a@x.test", "c@y.test"));
}
