//! The part for people.

use super::{Action, RecipientStatus, Report, line};
use crate::trace;

const WIDTH: usize = 76;

pub(super) fn readable(report: &Report<'_>) -> String {
    let mut text = format!(
        "This is the mail system at {}.\r\n\r\n",
        line(report.reporting_mta)
    );
    wrap(opening(report.action), "", &mut text);
    for recipient in report.recipients {
        text.push_str("\r\n");
        one(report.action, recipient, &mut text);
    }
    text
}

fn opening(action: Action) -> &'static str {
    match action {
        Action::Failed => {
            "Your message could not be delivered to the recipients below. It will not be tried \
             again. The reason stands with each of them; a copy of the message, or of its header, \
             is attached."
        }
        Action::Delayed => {
            "Your message has not been delivered to the recipients below yet. You do not need to \
             send it again: it is still being tried, and you will be told if it fails."
        }
        Action::Delivered => "Your message was delivered to the recipients below.",
        Action::Relayed => {
            "Your message was passed on for the recipients below to another server. That one may not \
             report deliveries: perhaps you do not hear of it again."
        }
    }
}

fn one(action: Action, recipient: &RecipientStatus<'_>, text: &mut String) {
    text.push_str(&format!("<{}>\r\n", line(recipient.address)));
    if !recipient.explanation.is_empty() {
        wrap(&line(recipient.explanation), "    ", text);
    }
    if !recipient.reply.is_empty() {
        let who = if recipient.remote_mta.is_empty() {
            "The other server".to_owned()
        } else {
            format!("The server {}", line(recipient.remote_mta))
        };
        let said: String = line(recipient.reply).chars().take(1_000).collect();
        wrap(&format!("{who} said: {said}"), "    ", text);
    }
    if let Some(at) = recipient.retry_until.filter(|_| action == Action::Delayed) {
        wrap(
            &format!("It is tried until {}.", trace::date(at)),
            "    ",
            text,
        );
    }
}

/// Breaks lines between words; a word longer than a line is cut.
fn wrap(paragraph: &str, indent: &str, text: &mut String) {
    let mut width = 0;
    for word in paragraph.split(' ') {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let piece: String = rest.drain(..rest.len().min(WIDTH)).collect();
            let length = piece.chars().count();
            if width > 0 && width + 1 + length > WIDTH {
                text.push_str("\r\n");
                width = 0;
            }
            if width == 0 {
                text.push_str(indent);
                width = indent.len();
            } else {
                text.push(' ');
                width += 1;
            }
            text.push_str(&piece);
            width += length;
        }
    }
    text.push_str("\r\n");
}
