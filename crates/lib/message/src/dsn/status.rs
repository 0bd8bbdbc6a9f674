//! The machine-readable part: message/delivery-status (RFC 3464 §2).

use super::{Action, RecipientStatus, Report, line};
use crate::trace;

/// Longer replies are truncated: lines are limited (RFC 5322 §2.1.1).
const MAX_REPLY: usize = 900;

pub(super) fn delivery_status(report: &Report<'_>) -> String {
    let mut text = String::new();
    if !report.envelope_id.is_empty() {
        let envelope_id = xtext_decoded(report.envelope_id);
        field("Original-Envelope-Id", &line(&envelope_id), &mut text);
    }
    let mta = format!("dns; {}", line(report.reporting_mta));
    field("Reporting-MTA", &mta, &mut text);
    if let Some(arrived_at) = report.arrived_at {
        field("Arrival-Date", &trace::date(arrived_at), &mut text);
    }
    if let Some(deliver_by) = report.deliver_by {
        field("Deliver-By-Date", &trace::date(deliver_by), &mut text);
    }
    if !report.future_release.is_empty() {
        let asked = line(report.future_release);
        field("Future-Release-Request", &asked, &mut text);
    }
    for recipient in report.recipients {
        text.push_str("\r\n");
        one(report.action, recipient, &mut text);
    }
    text
}

fn one(action: Action, recipient: &RecipientStatus<'_>, text: &mut String) {
    if let Some((kind, address)) = recipient.original.split_once(';') {
        let address = xtext_decoded(address);
        let original = format!("{}; {}", line(kind), line(&address));
        field("Original-Recipient", &original, text);
    }
    let kind = if recipient.address.is_ascii() {
        "rfc822"
    } else {
        "utf-8"
    };
    let address = format!("{kind}; {}", line(recipient.address));
    field("Final-Recipient", &address, text);
    field("Action", action.name(), text);
    field("Status", &line(recipient.status), text);
    if !recipient.remote_mta.is_empty() {
        let mta = format!("dns; {}", line(recipient.remote_mta));
        field("Remote-MTA", &mta, text);
    }
    if !recipient.reply.is_empty() {
        field(
            "Diagnostic-Code",
            &format!("smtp; {}", reply(recipient.reply)),
            text,
        );
    }
    if let Some(at) = recipient.last_attempt {
        field("Last-Attempt-Date", &trace::date(at), text);
    }
    if let Some(at) = recipient.retry_until.filter(|_| action == Action::Delayed) {
        field("Will-Retry-Until", &trace::date(at), text);
    }
}

/// In ASCII: the charset of another server's text is unknown.
fn reply(reply: &str) -> String {
    line(reply)
        .chars()
        .map(|character| if character.is_ascii() { character } else { '?' })
        .take(MAX_REPLY)
        .collect()
}

fn field(name: &str, value: &str, text: &mut String) {
    text.push_str(name);
    text.push_str(": ");
    text.push_str(value);
    text.push_str("\r\n");
}

/// Decodes xtext (RFC 3461 §4): `+2B` is `+`. If the result is not UTF-8, the text stays as it is.
fn xtext_decoded(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match crate::decode::hex_pair(after).filter(|_| *first == b'+') {
            Some(octet) => {
                octets.push(octet);
                rest = &after[2..];
            }
            None => octets.push(*first),
        }
    }
    String::from_utf8(octets).unwrap_or_else(|_| text.to_owned())
}
