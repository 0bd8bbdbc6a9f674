//! Every rule is played by the scripts in `tests/sessions`, so that there is one which it refuses.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::collections::HashSet;
use std::path::Path;

use super::*;
use crate::script::Script;

/// What the scripts that are proven to be met come to: the statement's name, and the verdict's.
fn played() -> HashSet<(String, &'static str)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let mut played = HashSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let policy = Policy::parse(&read(&path.with_extension("toml"))).unwrap();
        let script = Script::parse(&read(&path)).unwrap();
        let users = script.users().unwrap().to_vec();
        for checked in script.play(&policy, &|user| users.contains(user)) {
            let statement = checked.statement.split(' ').next().unwrap().to_owned();
            played.insert((statement, checked.found.verdict));
        }
    }
    played
}

#[test]
fn every_rule_refuses_in_some_script() {
    let played = played();
    for (rules, statement) in [
        (CONNECTION_RULES, "client"),
        (TALK_RULES, "client"),
        (SENDER_RULES, "mail"),
        (RECIPIENT_RULES, "rcpt"),
        (ACCEPTED_RULES, "rcpt"),
        (MESSAGE_RULES, "message"),
    ] {
        let accepted = (statement.to_owned(), "accepted");
        assert!(played.contains(&accepted), "no {statement} is accepted");
        // ARC refuses nothing: it excuses.
        for rule in rules.iter().filter(|rule| rule.key != "arc") {
            let refused = played
                .iter()
                .any(|(of, verdict)| of == statement && rule.refuses(verdict));
            assert!(refused, "no {statement} is refused by {}", rule.key);
        }
    }
}

#[test]
fn a_refusal_is_of_one_rule_at_each_stage() {
    for (rules, verdict, key) in [
        (SENDER_RULES, "sender-null-mx", "sender-domain-must-exist"),
        (
            SENDER_RULES,
            "sender-domain-unknown",
            "sender-domain-must-exist",
        ),
        (SENDER_RULES, "rate-exceeded", "rates (messages)"),
        (ACCEPTED_RULES, "rate-exceeded", "rates (recipients)"),
        (MESSAGE_RULES, "spf-helo-fail", "spf"),
        (MESSAGE_RULES, "dmarc-temperror", "dmarc"),
        (MESSAGE_RULES, "unclear-attachments", "block-attachments"),
    ] {
        let by: Vec<_> = rules.iter().filter(|rule| rule.refuses(verdict)).collect();
        assert_eq!(by.len(), 1, "{verdict}");
        assert_eq!(by[0].key, key);
    }
    let rules = [SENDER_RULES, ACCEPTED_RULES, MESSAGE_RULES].concat();
    assert!(rules.iter().all(|rule| !rule.refuses("accepted")));
}
