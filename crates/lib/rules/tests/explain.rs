//! The story that `postern explain` tells.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

use rules::{Explanation, Play, Policy, SessionFacts, Step, explain};

const POLICY: &str = r#"
[[trust]]
name = "branch"
action = "trust"
where = { network = "10.20.0.0/16" }

[receiving.untrusted]
refuse-spoofed-senders = true

[[domain]]
name = "example.test"
deliver = "mailboxes"
unmatched = { catch-all = "eve" }
"#;

fn play(peer: &str, sender: &str, recipients: &[&str], users: &[&str]) -> Explanation {
    let policy = Policy::parse(POLICY).unwrap();
    let facts = SessionFacts::new("mx", peer.parse().unwrap(), "198.51.100.1".parse().unwrap());
    let recipients: Vec<String> = recipients.iter().map(ToString::to_string).collect();
    explain(
        &policy,
        &Play {
            facts: &facts,
            sender: &sender.parse().unwrap(),
            size: None,
            recipients: &recipients,
            taken: 0,
            has_user: &|user| users.contains(&user.to_string().as_str()),
        },
    )
}

fn told(steps: &[Step]) -> Vec<String> {
    steps
        .iter()
        .map(|step| format!("{}: {}", step.rule, step.outcome))
        .collect()
}

#[test]
fn a_refused_relay_is_told_with_each_rule() {
    let story = play("203.0.113.9", "a@x.test", &["b@y.test"], &[]);
    assert_eq!(
        told(&story.steps),
        [
            "trust policy \"branch\" (line 2): does not match: network",
            "network and login: untrusted: the local address 198.51.100.1 is not an internal one",
            "[receiving.untrusted] max-size: 50 MiB: not evaluated, no size is declared",
            "[receiving.untrusted] refuse-blank-reverse-path: off",
            "[receiving.untrusted] refuse-address-literal-senders: off",
            "[receiving.untrusted] refuse-spoofed-senders: on: passed",
            "MAIL FROM:<a@x.test>: accepted",
        ]
    );
    assert!(!story.is_accepted());
    let recipient = &story.recipients[0];
    assert_eq!(
        told(&recipient.steps),
        [
            "[receiving.untrusted] max-recipients: 100: passed",
            "domain rules: none names y.test",
            "relay rule: relay-denied",
        ]
    );
    assert_eq!(
        recipient.verdict.to_string(),
        "relay-denied: the session is untrusted (external-listener); \
         no domain rule names y.test; 203.0.113.9 sends as <a@x.test>"
    );
    assert_eq!(recipient.route, None);
    let json = serde_json::to_value(&story).unwrap();
    assert_eq!(json["recipients"][0]["verdict"]["name"], "relay-denied");
    assert_eq!(json["facts"][0]["value"], "203.0.113.9");
}

#[test]
fn a_refused_sender_is_told_up_to_the_rule_that_refuses_it() {
    let story = play(
        "203.0.113.9",
        "bob@example.test",
        &["bob@example.test"],
        &[],
    );
    let steps = told(&story.steps);
    assert_eq!(
        steps.last().unwrap(),
        "MAIL FROM:<bob@example.test>: spoofed-sender"
    );
    assert_eq!(
        steps[steps.len() - 2],
        "[receiving.untrusted] refuse-spoofed-senders: on: refused"
    );
    assert_eq!(story.recipients[0].verdict.name, "spoofed-sender");
    assert!(story.recipients[0].steps.is_empty());
}

#[test]
fn an_accepted_message_is_told_with_its_routes() {
    let recipients = ["nobody@example.test", "b@y.test"];
    let story = play("10.20.3.4", "", &recipients, &["eve@example.test"]);
    assert_eq!(
        told(&story.steps)[0],
        "trust policy \"branch\" (line 2): matches: trust"
    );
    assert!(story.is_accepted());
    let [nobody, other] = story.recipients.as_slice() else {
        panic!("{story:?}");
    };
    assert_eq!(
        told(&nobody.steps),
        [
            "[receiving.trusted] max-recipients: 1000: passed",
            "domain rule example.test (line 10): open to everyone",
            "relay rule: passed",
            "domain rule example.test: nobody@example.test has no mailbox",
            "domain rule example.test: eve@example.test has a mailbox",
        ]
    );
    assert_eq!(nobody.route.as_deref(), Some("mailbox eve@example.test"));
    assert_eq!(other.route.as_deref(), Some("direct to y.test"));
}
