//! The story that `postern explain` tells.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

use rules::{
    Assumptions, Explanation, Play, Policy, ReverseName, SessionFacts, Step, Timing, explain,
};

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

fn session(peer: &str) -> SessionFacts {
    SessionFacts::new("mx", peer.parse().unwrap(), "198.51.100.1".parse().unwrap())
}

fn stranger() -> SessionFacts {
    session("203.0.113.9")
}

fn play(peer: &str, sender: &str, recipients: &[&str], users: &[&str]) -> Explanation {
    let policy = Policy::parse(POLICY).unwrap();
    play_by(&policy, &session(peer), sender, recipients, users)
}

fn play_by(
    policy: &Policy,
    facts: &SessionFacts,
    sender: &str,
    recipients: &[&str],
    users: &[&str],
) -> Explanation {
    let recipients: Vec<String> = recipients.iter().map(ToString::to_string).collect();
    explain(
        policy,
        &Play {
            facts,
            sender: &sender.parse().unwrap(),
            size: None,
            timing: Timing::default(),
            recipients: &recipients,
            taken: 0,
            has_user: &|user| users.contains(&user.to_string().as_str()),
            assumptions: &Assumptions::default(),
            screen: None,
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
            "[receiving.untrusted] rates (connections): off",
            "[receiving.untrusted] refuse-early-talkers: off",
            "login on submission ports: on: not evaluated, the listener is for other servers",
            "only parameters that EHLO offers: on: not evaluated, no restricted parameter is used",
            "[receiving.trusted] max-hold: 30 d: not evaluated, no holding time is requested",
            "[receiving.trusted] min-deliver-by: off",
            "hold within deliver-by: on: not evaluated, it has no holding time together with a delivery time",
            "[receiving.trusted] max-priority: 9: not evaluated, no priority is requested",
            "[receiving.untrusted] min-free-space: 1 GiB: not evaluated, it depends on the free space",
            "[receiving.untrusted] max-size: 50 MiB: not evaluated, no size is declared",
            "[receiving.untrusted] refuse-blank-reverse-path: off",
            "[receiving.untrusted] refuse-address-literal-senders: off",
            "[receiving.untrusted] refuse-spoofed-senders: on: passed",
            "[receiving.trusted] senders-must-belong-to-login: on: not evaluated, nobody has logged in",
            "[receiving.untrusted] rates (messages): off",
            "[receiving.untrusted] dns-lists: off",
            "[receiving.untrusted] sender-domain-must-exist: off",
            "MAIL FROM:<a@x.test>: accepted",
        ]
    );
    assert!(!story.is_accepted());
    assert!(story.message.is_empty(), "none would come");
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
            "[receiving.trusted] greylisting: off",
            "[receiving.trusted] rates (recipients): off",
        ]
    );
    assert_eq!(nobody.route.as_deref(), Some("mailbox eve@example.test"));
    assert_eq!(other.route.as_deref(), Some("direct to y.test"));
}

#[test]
fn the_postmaster_is_reached_by_everybody() {
    let policy = Policy::parse("[delivery]\npostmaster = \"admin@elsewhere.test\"\n").unwrap();
    let recipients = ["Postmaster", "admin@elsewhere.test"];
    let story = play_by(&policy, &stranger(), "", &recipients, &[]);
    let [postmaster, address] = story.recipients.as_slice() else {
        panic!("{story:?}");
    };
    assert_eq!(
        told(&postmaster.steps)[1..],
        [
            "[delivery] postmaster: <Postmaster> is admin@elsewhere.test, whom everybody reaches",
            "[delivery] remote: direct to elsewhere.test",
            "[receiving.untrusted] greylisting: off",
            "[receiving.untrusted] rates (recipients): off",
        ]
    );
    assert_eq!(
        postmaster.route.as_deref(),
        Some("direct to elsewhere.test")
    );
    assert_eq!(address.verdict.name, "relay-denied");
}

#[test]
fn what_goes_by_the_past_is_told_and_not_evaluated() {
    let policy = Policy::parse(
        r#"
[receiving.untrusted]
greylisting = { delay = "5 min" }
rates = [
  { count = "connections", per = "network", limit = 20, every = "1 min" },
  { count = "messages", per = "address", limit = 10, every = "1 min" },
  { count = "messages", per = "sender", limit = 100, every = "1 h" },
]

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#,
    )
    .unwrap();
    let mut facts = stranger();
    let bob = "bob@example.test";
    let story = play_by(&policy, &facts, "a@x.test", &[bob], &[bob]);
    assert!(story.is_accepted());
    let rules = |story: &Explanation| -> Vec<String> {
        let all = story.steps.iter().chain(&story.recipients[0].steps);
        let all = told(&all.cloned().collect::<Vec<_>>());
        let past = |step: &String| step.contains("rates") || step.contains("greylisting");
        all.into_iter().filter(past).collect()
    };
    let why = "not evaluated, it depends on earlier traffic";
    assert_eq!(
        rules(&story),
        [
            format!("[receiving.untrusted] rates (connections): 20 in 1 min per network: {why}"),
            format!(
                "[receiving.untrusted] rates (messages): 10 in 1 min per address, 100 in 1 h per sender: {why}"
            ),
            format!("[receiving.untrusted] greylisting: come again after 5 min: {why}"),
            "[receiving.untrusted] rates (recipients): off".to_owned(),
        ]
    );
    // Whoever logs in was a stranger when the connection came.
    facts.login = Some(bob.to_owned());
    let story = play_by(&policy, &facts, bob, &[bob], &[bob]);
    assert_eq!(
        rules(&story),
        [
            format!("[receiving.untrusted] rates (connections): 20 in 1 min per network: {why}"),
            "[receiving.trusted] rates (messages): off".to_owned(),
            "[receiving.trusted] greylisting: off".to_owned(),
            "[receiving.trusted] rates (recipients): off".to_owned(),
        ]
    );
}

#[test]
fn what_needs_the_dns_or_the_message_is_told_and_not_evaluated() {
    let policy = Policy::parse(
        r#"
[receiving.trusted]
block-attachments = ["*.scr"]

[receiving.untrusted]
refuse-early-talkers = true
min-free-space = "1 GiB"
sender-domain-must-exist = true
dns-lists = [{ zone = "one.dnsbl.test" }, { zone = "two.dnsbl.test" }]

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#,
    )
    .unwrap();
    let mut facts = stranger();
    let bob = "bob@example.test";
    let story = play_by(&policy, &facts, "a@x.test", &[bob], &[bob]);
    let steps = told(&story.steps);
    for step in [
        "refuse-early-talkers: on: not evaluated, it depends on when the client speaks",
        "min-free-space: 1 GiB: not evaluated, it depends on the free space",
        "dns-lists: one.dnsbl.test, two.dnsbl.test: not evaluated, it needs the DNS",
        "sender-domain-must-exist: on: not evaluated, it needs the DNS",
    ] {
        let step = format!("[receiving.untrusted] {step}");
        assert!(steps.contains(&step), "{step} is not in {steps:#?}");
    }
    let unknown = "not evaluated, it needs the";
    assert_eq!(
        told(&story.message),
        [
            "[receiving.untrusted] block-attachments: off".to_owned(),
            format!("[receiving.untrusted] spf: on: {unknown} DNS"),
            format!("[receiving.untrusted] dkim: on: {unknown} message"),
            format!(
                "[receiving.untrusted] dmarc: reject = refuse, quarantine = junk: {unknown} message"
            ),
            format!("[receiving.untrusted] arc: on: {unknown} message"),
            format!("[receiving.untrusted] iprev: on: {unknown} DNS"),
            "[receiving.trusted] senders-must-belong-to-login (From): on: \
             not evaluated, nobody has logged in"
                .to_owned(),
        ]
    );
    // Whoever has logged in sends in their own name.
    facts.login = Some(bob.to_owned());
    let story = play_by(&policy, &facts, bob, &[bob], &[bob]);
    let passed = "[receiving.trusted] senders-must-belong-to-login: on: passed".to_owned();
    assert!(told(&story.steps).contains(&passed));
    let of_message = told(&story.message);
    assert_eq!(
        [of_message.first(), of_message.last()].map(Option::unwrap),
        [
            &format!("[receiving.trusted] block-attachments: refuse: {unknown} message"),
            &format!(
                "[receiving.trusted] senders-must-belong-to-login (From): on: {unknown} message"
            ),
        ]
    );
    let story = play_by(&policy, &facts, "eve@example.test", &[bob], &[bob]);
    assert_eq!(story.sender.name, "sender-not-of-login");
    let refused = "[receiving.trusted] senders-must-belong-to-login: on: refused".to_owned();
    assert!(told(&story.steps).contains(&refused));
    assert!(story.message.is_empty());
}

#[test]
fn what_the_dns_does_not_say_is_told() {
    let policy = Policy::parse(
        "[[trust]]\nname = \"partner\"\naction = \"trust\"\nwhere = { reverse-dns = \"*.partner.test\" }\n\
         [[trust]]\nname = \"pool\"\naction = \"distrust\"\nwhere = { reverse-dns = \"*.pool.test\" }\n",
    )
    .unwrap();
    for name in [ReverseName::Failed, ReverseName::NotAsked] {
        let mut facts = stranger();
        facts.reverse_name = name;
        assert!(policy.asks_reverse_name(&facts));
        let story = play_by(&policy, &facts, "a@x.test", &["b@y.test"], &[]);
        assert_eq!(
            told(&story.steps)[..2],
            [
                "trust policy \"partner\" (line 1): cannot be decided: the DNS does not answer",
                "trust policy \"pool\" (line 5): distrust until the DNS answers",
            ]
        );
        let verdict = &story.recipients[0].verdict;
        assert_eq!(verdict.name, "trust-unknown");
        assert!(verdict.is_temporary());
        assert!(story.trust.provisional);
    }
}

#[test]
fn the_rule_that_refuses_is_told_while_trust_is_not_known() {
    let trust = "[[trust]]\nname = \"partner\"\naction = \"trust\"\n\
                 where = { reverse-dns = \"*.partner.test\" }\n";
    let policy = Policy::parse(&format!("{trust}{POLICY}")).unwrap();
    let mut facts = stranger();
    facts.reverse_name = ReverseName::Failed;
    let story = play_by(&policy, &facts, "bob@example.test", &["b@y.test"], &[]);
    let steps = told(&story.steps);
    assert_eq!(
        steps[steps.len() - 2..],
        [
            "[receiving.untrusted] refuse-spoofed-senders: on: refused",
            "MAIL FROM:<bob@example.test>: trust-unknown",
        ]
    );
}

#[test]
fn the_name_is_asked_for_only_where_it_decides() {
    let ask = |where_: &str, enabled: bool, peer: &str| {
        let document =
            format!("[[trust]]\naction = \"trust\"\nenabled = {enabled}\nwhere = {{ {where_} }}\n");
        Policy::parse(&document)
            .unwrap()
            .asks_reverse_name(&session(peer))
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
fn what_is_known_besides_is_told_and_evaluated_rule_by_rule() {
    let policy = Policy::parse(
        r#"
[receiving.untrusted]
min-free-space = "1 GiB"
sender-domain-must-exist = true
dns-lists = [{ zone = "bl.test" }]
greylisting = { delay = "5 min" }
block-attachments = ["*.exe"]
blocked-attachments = "strip"
spf = { softfail = "mark" }
dmarc = "follow"

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#,
    )
    .unwrap();
    let mut assumptions = Assumptions::default();
    for (name, value) in [
        ("free", "2 GiB"),
        ("sender-domain", "usable"),
        ("listed", "none"),
        ("visitor", "known"),
        ("attachment", "x.exe"),
        ("attachment", "y.txt"),
        ("spf", "softfail"),
        ("dkim", "pass:x.test"),
        ("dmarc", "fail/quarantine"),
    ] {
        assumptions.set(name, value).unwrap();
    }
    let facts = stranger();
    let bob = ["bob@example.test".to_owned()];
    let sender = "a@x.test".parse().unwrap();
    let mut play = Play {
        facts: &facts,
        sender: &sender,
        size: Some(1),
        timing: Timing::default(),
        recipients: &bob,
        taken: 0,
        has_user: &|_| true,
        assumptions: &assumptions,
        screen: None,
    };
    let story = explain(&policy, &play);
    assert!(story.is_accepted());
    let steps = story.steps.iter().chain(&story.recipients[0].steps);
    let steps = told(&steps.cloned().collect::<Vec<_>>());
    for step in [
        "min-free-space: 1 GiB: passed",
        "dns-lists: bl.test: passed",
        "sender-domain-must-exist: on: passed",
        "greylisting: come again after 5 min: passed",
    ] {
        let step = format!("[receiving.untrusted] {step}");
        assert!(steps.contains(&step), "{step} is not in {steps:#?}");
    }
    assert_eq!(
        told(&story.message)[..4],
        [
            "[receiving.untrusted] block-attachments: strip: the attachment \"x.exe\" is blocked \
             by its name (rule \"*.exe\"): taken out",
            "[receiving.untrusted] spf: softfail = mark: softfail (a@x.test): marked",
            "[receiving.untrusted] dkim: on: pass (x.test): passed",
            "[receiving.untrusted] dmarc: reject = refuse, quarantine = junk: fail (x.test): \
             marked, to Junk",
        ]
    );
    let end = story.end.unwrap();
    assert!(end.junk);
    assert_eq!(
        end.becomes(),
        ["marked dmarc-quarantine", "marked spf-softfail", "stripped"]
    );
    let json = serde_json::to_value(&end).unwrap();
    assert_eq!(json["marks"][1], "spf-softfail");

    // A message that was looked through counts for more than what is said of it.
    let clean = |_: &std::sync::Arc<rules::BlockedAttachments>| rules::Screened::default();
    play.screen = Some(&clean);
    let end = explain(&policy, &play).end.unwrap();
    assert!(end.removed.is_empty());

    let mut refused = assumptions.clone();
    refused.set("dmarc", "fail/reject").unwrap();
    play.assumptions = &refused;
    let story = explain(&policy, &play);
    assert!(!story.is_accepted());
    assert!(story.recipients[0].verdict.is_accepted());
    let last = told(&story.message).pop().unwrap();
    assert!(last.ends_with("quarantine = junk: refused"), "{last}");
    assert_eq!(story.end.unwrap().verdict.name, "dmarc-reject");

    let mut new = assumptions.clone();
    new.set("visitor", "new").unwrap();
    play.assumptions = &new;
    let story = explain(&policy, &play);
    let bob = &story.recipients[0];
    assert_eq!(bob.verdict.name, "greylisted");
    assert_eq!(bob.route, None);
    assert!(story.message.is_empty() && story.end.is_none());
}
