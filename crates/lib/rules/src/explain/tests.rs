//! Every rule is played by the scripts in `tests/sessions`: there is an expectation that it lets
//! through, and one that it refuses.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::path::Path;

use super::step::Step;
use crate::admission::connect::Connect;
use crate::admission::content::Content;
use crate::admission::mail::{MAX_PRIORITY, Mail};
use crate::admission::rcpt::Rcpt;
use crate::admission::talk::Talk;
use crate::admission::{Rule as By, Stage};
use crate::script::{Checked, Script};
use crate::values::policy::Policy;

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

/// A rule as it is told of, for each class.
struct Rule {
    names: [String; 2],
    refuses: bool,
}

fn rules<'a, S: Stage<'a>>() -> Vec<Rule> {
    let rules = S::CHECKS.iter().map(|check| check.rule);
    rules
        .filter(|rule| *rule != By::Recipient)
        .map(|rule| Rule {
            names: [true, false].map(|trusted| rule.name(trusted)),
            // ARC refuses nothing: it excuses. Nor does a rule that lowers.
            refuses: ![MAX_PRIORITY, "arc"].map(By::Setting).contains(&rule),
        })
        .collect()
}

/// The rules of each stage, and the statement that is held to them.
fn stages() -> [(&'static str, Vec<Rule>); 5] {
    [
        ("client", rules::<Connect<'_>>()),
        ("client", rules::<Talk<'_>>()),
        ("mail", rules::<Mail<'_>>()),
        ("rcpt", rules::<Rcpt<'_>>()),
        ("message", rules::<Content<'_>>()),
    ]
}

/// What a rule that was on and evaluated came to.
fn outcome<'a>(rule: &Rule, found: &'a [Step]) -> Option<&'a str> {
    let step = found.iter().find(|step| rule.names.contains(&step.rule))?;
    let idle = step.outcome == "off" || step.outcome.contains(": not evaluated, ");
    (!idle).then_some(step.outcome.as_str())
}

fn is_of(checked: &Checked, statement: &str) -> bool {
    checked.statement.split(' ').next() == Some(statement)
}

#[test]
fn every_rule_lets_through_and_refuses_in_some_script() {
    let played = played();
    let mut missing = Vec::new();
    for (statement, rules) in stages() {
        let of_stage = played.iter().filter(|checked| is_of(checked, statement));
        let found: Vec<_> = of_stage.map(|checked| &checked.found).collect();
        for rule in rules {
            let outcomes = found
                .iter()
                .filter_map(|found| Some((found.code? < 400, outcome(&rule, &found.steps)?)));
            let (accepted, refused): (Vec<_>, Vec<_>) =
                outcomes.partition(|(accepted, _)| *accepted);
            if accepted.is_empty() {
                missing.push(format!(
                    "no {statement} is let through by {}",
                    rule.names[0]
                ));
            }
            let by_it = refused.iter().any(|(_, told)| told.ends_with(": refused"));
            if !by_it && rule.refuses {
                missing.push(format!("no {statement} is refused by {}", rule.names[0]));
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
        "malformed-hello",
        "malformed-recipient",
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
    let played = played();
    for (statement, verdict, key) in [
        ("mail", "sender-null-mx", "sender-domain-must-exist"),
        ("mail", "sender-domain-unknown", "sender-domain-must-exist"),
        ("mail", "rate-exceeded", "rates (messages)"),
        ("rcpt", "rate-exceeded", "rates (recipients)"),
        ("message", "spf-helo-fail", "spf"),
        ("message", "dmarc-temperror", "dmarc"),
        ("message", "unclear-attachments", "block-attachments"),
    ] {
        let of_stage: Vec<String> = stages()
            .into_iter()
            .filter(|(stage, _)| *stage == statement)
            .flat_map(|(_, rules)| rules.into_iter().flat_map(|rule| rule.names))
            .collect();
        let refused: Vec<_> = played
            .iter()
            .filter(|checked| is_of(checked, statement) && checked.found.verdict == verdict)
            .flat_map(|checked| &checked.found.steps)
            // A recipient may have been refused with its sender.
            .filter(|step| of_stage.contains(&step.rule))
            .filter(|step| step.outcome.ends_with(": refused"))
            .collect();
        assert!(!refused.is_empty(), "{statement} {verdict}");
        for step in refused {
            assert!(
                step.rule.ends_with(&format!(" {key}")),
                "{verdict}: {step:?}"
            );
        }
    }
}
