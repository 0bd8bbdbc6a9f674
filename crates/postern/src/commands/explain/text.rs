//! The output of `postern explain`.

use administration::explain::{Explained, refused, with_reasons};
use rules::{MessageEnd, RecipientStory, Step};

use crate::screen::{columns, named_columns, written};

/// Facts, rules and verdicts, for people.
pub(super) fn text(explained: &Explained) -> String {
    let story = &explained.story;
    let mut facts = columns(&["fact", "value"]);
    for fact in story.facts.iter().filter(|fact| !fact.value.is_empty()) {
        facts.add_row([fact.name, &fact.value]);
    }
    let rules = format!("RULE ({})", explained.policy);
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

/// The result for the message, if it is more than acceptance.
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
