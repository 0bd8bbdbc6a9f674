//! The story that `postern explain` tells.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

use rules::{Explanation, Play, Policy, ReverseName, SessionFacts, explain};

const POLICY: &str = r#"
[[trust]]
name = "branch"
action = "trust"
where = { network = "10.20.0.0/16" }

[[domain]]
name = "example.test"
deliver = "mailboxes"
unmatched = { catch-all = "eve" }
"#;

fn play(peer: &str, sender: &str, recipient: &str, users: &[&str]) -> Explanation {
    let policy = Policy::parse(POLICY).unwrap();
    let facts = SessionFacts::new("mx", peer.parse().unwrap(), "198.51.100.1".parse().unwrap());
    explain(
        &policy,
        &Play {
            facts: &facts,
            sender: &sender.parse().unwrap(),
            recipient: &recipient.parse().unwrap(),
            postmaster: false,
            has_user: &|user| users.contains(&user.to_string().as_str()),
        },
    )
}

fn told(story: &Explanation) -> Vec<String> {
    story
        .steps
        .iter()
        .map(|step| format!("{}: {}", step.rule, step.outcome))
        .collect()
}

#[test]
fn a_refused_relay_is_told_with_each_rule() {
    let story = play("203.0.113.9", "a@x.test", "b@y.test", &[]);
    assert_eq!(
        told(&story),
        [
            "trust policy \"branch\" (line 2): does not match: network",
            "network and login: untrusted: the local address 198.51.100.1 is not an internal one",
            "[receiving.untrusted]: MAIL FROM <a@x.test>: accepted",
            "[receiving.untrusted]: what the DNS says of the sender is not evaluated",
            "domain rules: none names y.test",
            "relay rule: relay-denied",
        ]
    );
    assert_eq!(
        story.verdict.to_string(),
        "relay-denied: the session is untrusted (external-listener); \
         no domain rule names y.test; 203.0.113.9 sends as <a@x.test>"
    );
    assert_eq!(story.route, None);
    let json = serde_json::to_value(&story).unwrap();
    assert_eq!(json["verdict"]["name"], "relay-denied");
    assert_eq!(json["facts"][0]["value"], "203.0.113.9");
}

#[test]
fn what_the_dns_does_not_say_is_told() {
    let policy = Policy::parse(
        "[[trust]]\nname = \"partner\"\naction = \"trust\"\nwhere = { reverse-dns = \"*.partner.test\" }\n\
         [[trust]]\nname = \"pool\"\naction = \"distrust\"\nwhere = { reverse-dns = \"*.pool.test\" }\n",
    )
    .unwrap();
    let mut facts = SessionFacts::new(
        "mx",
        "203.0.113.9".parse().unwrap(),
        "198.51.100.1".parse().unwrap(),
    );
    facts.reverse_name = ReverseName::Failed;
    assert!(policy.asks_reverse_name(&facts));
    let story = explain(
        &policy,
        &Play {
            facts: &facts,
            sender: &"a@x.test".parse().unwrap(),
            recipient: &"b@y.test".parse().unwrap(),
            postmaster: false,
            has_user: &|_| false,
        },
    );
    assert_eq!(
        told(&story)[..2],
        [
            "trust policy \"partner\" (line 1): cannot be decided: the DNS does not answer",
            "trust policy \"pool\" (line 5): distrust until the DNS answers",
        ]
    );
    assert_eq!(story.verdict.name, "trust-unknown");
    assert!(story.verdict.is_temporary());
    assert!(story.trust.provisional);
}

#[test]
fn the_name_is_asked_for_only_where_it_decides() {
    let ask = |where_: &str, enabled: bool, peer: &str| {
        let document =
            format!("[[trust]]\naction = \"trust\"\nenabled = {enabled}\nwhere = {{ {where_} }}\n");
        let local = "198.51.100.1".parse().unwrap();
        let facts = SessionFacts::new("mx", peer.parse().unwrap(), local);
        Policy::parse(&document).unwrap().asks_reverse_name(&facts)
    };
    let name = "reverse-dns = \"*.partner.test\"";
    assert!(ask(name, true, "203.0.113.9"));
    assert!(!ask(name, false, "203.0.113.9"));
    let both = format!("{name}, network = \"203.0.113.0/24\"");
    assert!(ask(&both, true, "203.0.113.9"));
    assert!(!ask(&both, true, "192.0.2.9"));
    let listener = format!("{name}, listener = \"submission\"");
    assert!(!ask(&listener, true, "203.0.113.9"));
    assert!(!ask("network = \"203.0.113.0/24\"", true, "203.0.113.9"));
}

#[test]
fn an_accepted_message_is_told_with_its_route() {
    let story = play(
        "10.20.3.4",
        "",
        "nobody@example.test",
        &["eve@example.test"],
    );
    assert_eq!(
        told(&story),
        [
            "trust policy \"branch\" (line 2): matches: trust",
            "[receiving.trusted]: MAIL FROM <>: accepted",
            "domain rule example.test (line 7): open to everyone",
            "relay rule: passed",
            "domain rule example.test: nobody@example.test has no mailbox",
            "domain rule example.test: eve@example.test has a mailbox",
        ]
    );
    assert_eq!(story.verdict.name, "accepted");
    assert_eq!(story.route.as_deref(), Some("mailbox eve@example.test"));
}
