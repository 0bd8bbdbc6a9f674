//! What `postern explain` prints.

use rules::{Explanation, MessageEnd, RecipientStory, Step, Verdict};
use serde::Serialize;

use crate::screen::{columns, named_columns, written};

#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// The policy that was asked.
    pub(super) policy: String,
    pub(super) accepted: bool,
    #[serde(flatten)]
    pub(super) story: Explanation,
}

impl Told {
    /// Facts, rules and verdicts, for people.
    pub(super) fn text(&self) -> String {
        let story = &self.story;
        let mut facts = columns(&["fact", "value"]);
        for fact in story.facts.iter().filter(|fact| !fact.value.is_empty()) {
            facts.add_row([fact.name, &fact.value]);
        }
        let rules = format!("RULE ({})", self.policy);
        let mut parts = vec![written(&facts), table(&rules, &story.steps)];
        if story.sender.is_accepted() {
            for recipient in &story.recipients {
                let to = format!("RCPT TO:<{}>", recipient.recipient);
                parts.push(table(&to, &recipient.steps));
                parts.push(answer(recipient));
            }
        } else {
            parts.push(refused(&story.sender));
        }
        if !story.message.is_empty() {
            parts.push(table("MESSAGE", &story.message));
        }
        parts.extend(story.end.as_ref().and_then(end));
        parts.join("\n\n")
    }
}

fn table(header: &str, steps: &[Step]) -> String {
    let mut table = named_columns(&[header, "OUTCOME"]);
    for step in steps {
        table.add_row([&step.rule, &step.outcome]);
    }
    written(&table)
}

fn answer(recipient: &RecipientStory) -> String {
    match &recipient.route {
        Some(route) => with_reasons(format!("Accepted: {route}."), &recipient.verdict),
        None => refused(&recipient.verdict),
    }
}

/// What becomes of the message, where that is more than that it is accepted.
fn end(end: &MessageEnd) -> Option<String> {
    if !end.verdict.is_accepted() {
        return Some(refused(&end.verdict));
    }
    let removed = (!end.removed.is_empty()).then(|| format!("without {}", end.removed.join("; ")));
    let marks = (!end.marks.is_empty()).then(|| format!("marked {}", end.marks.join(", ")));
    let place = match end {
        MessageEnd { quarantine, .. } if !quarantine.is_empty() => Some("into quarantine"),
        MessageEnd { junk: true, .. } => Some("to Junk"),
        _ => None,
    };
    let parts = [removed, marks, place.map(str::to_owned)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return None;
    }
    let reasons = end.quarantine.iter();
    let reasons = reasons.map(|reason| format!("\n  because {reason}"));
    let reasons: String = reasons.collect();
    Some(format!(
        "The message is taken: {}.{reasons}",
        parts.join(", ")
    ))
}

pub(super) fn refused(verdict: &Verdict) -> String {
    let reply = format!(
        "Refused: {}. The client reads \"{} {} {}\".",
        verdict.name, verdict.code, verdict.enhanced, verdict.text
    );
    with_reasons(reply, verdict)
}

fn with_reasons(answer: String, verdict: &Verdict) -> String {
    let reasons = verdict.reasons.iter();
    let reasons = reasons.map(|reason| format!("  because {reason}"));
    std::iter::once(answer)
        .chain(reasons)
        .collect::<Vec<_>>()
        .join("\n")
}
