//! Every rule is played by the scripts in `tests/sessions`: there is an expectation that it lets
//! through, and one that it refuses.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::path::Path;

use super::*;
use crate::script::{Checked, Script};

/// What comes of every expectation in the scripts, which are proven to be met.
fn played() -> Vec<Checked> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let mut played = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let policy = Policy::parse(&read(&path.with_extension("toml"))).unwrap();
        let script = Script::parse(&read(&path)).unwrap();
        let users = script.users().unwrap().to_vec();
        played.extend(script.play(&policy, &|user| users.contains(user)));
    }
    played
}

/// What a rule that was on and evaluated came to.
fn outcome<'a>(rule: &Rule, found: &'a [Step]) -> Option<&'a str> {
    let names = [true, false].map(|trusted| name(rule, trusted));
    let step = found.iter().find(|step| names.contains(&step.rule))?;
    let idle = step.outcome == "off" || step.outcome.contains(": not evaluated, ");
    (!idle).then_some(step.outcome.as_str())
}

const STAGES: [(Stage, &str); 6] = [
    (Stage::Connection, "client"),
    (Stage::Talk, "client"),
    (Stage::Sender, "mail"),
    (Stage::Recipient, "rcpt"),
    (Stage::Accepted, "rcpt"),
    (Stage::Message, "message"),
];

#[test]
fn every_rule_lets_through_and_refuses_in_some_script() {
    let played = played();
    let mut missing = Vec::new();
    for (stage, statement) in STAGES {
        let of_stage = played
            .iter()
            .filter(|checked| checked.statement.split(' ').next() == Some(statement));
        let found: Vec<_> = of_stage.map(|checked| &checked.found).collect();
        for rule in stage.rules() {
            let outcomes = found
                .iter()
                .filter_map(|found| Some((found.code? < 400, outcome(rule, &found.steps)?)));
            let (accepted, refused): (Vec<_>, Vec<_>) =
                outcomes.partition(|(accepted, _)| *accepted);
            if accepted.is_empty() {
                missing.push(format!("no {statement} is let through by {}", rule.key));
            }
            let by_it = refused.iter().any(|(_, told)| told.ends_with(": refused"));
            // ARC refuses nothing: it excuses. Nor does a rule that lowers.
            if !by_it && !rule.refusals.is_empty() {
                missing.push(format!("no {statement} is refused by {}", rule.key));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Each verdict of the rules that are no receiving rules.
#[test]
fn every_other_refusal_is_found_in_some_script() {
    let played = played();
    for verdict in [
        "bad-address",
        "malformed-sender",
        "relay-denied",
        "routed-local-part",
        "no-such-user",
        "refused-by-handler",
        "mailbox-missing",
        "no-postmaster",
        "trust-unknown",
    ] {
        let found = played
            .iter()
            .any(|checked| checked.found.verdict == verdict);
        assert!(found, "{verdict}");
    }
}

#[test]
fn a_refusal_is_of_one_rule_at_each_stage() {
    for (stage, verdict, key) in [
        (Stage::Sender, "sender-null-mx", "sender-domain-must-exist"),
        (
            Stage::Sender,
            "sender-domain-unknown",
            "sender-domain-must-exist",
        ),
        (Stage::Sender, "rate-exceeded", "rates (messages)"),
        (Stage::Accepted, "rate-exceeded", "rates (recipients)"),
        (Stage::Message, "spf-helo-fail", "spf"),
        (Stage::Message, "dmarc-temperror", "dmarc"),
        (Stage::Message, "unclear-attachments", "block-attachments"),
    ] {
        let by: Vec<_> = stage
            .rules()
            .iter()
            .filter(|rule| rule.refuses(verdict))
            .collect();
        assert_eq!(by.len(), 1, "{verdict}");
        assert_eq!(by[0].key, key);
    }
    let rules = STAGES.iter().flat_map(|(stage, _)| stage.rules());
    assert!(rules.clone().all(|rule| !rule.refuses("accepted")));
}
