//! The log line of an attempt's end, which traces a message (target `mail`): delivered, relayed, deferred,
//! returned or discarded, for one recipient. docs/logs.md lists the fields.

use api::queue::v1::{Completion, LeasedRecipient, Outcome};

use crate::fate::Fate;
use crate::work::Work;

/// Logs the end of one recipient's attempt. `notice`: its sender gets a notice.
pub(crate) fn ended(
    work: &Work,
    recipient: &LeasedRecipient,
    fate: &Fate,
    completion: &Completion,
    notice: bool,
    now_ms: i64,
) {
    let message = &work.message;
    let mailbox = match fate {
        Fate::Delivered { user } => Some(user.as_str()),
        _ => None,
    };
    let reason = matches!(
        fate,
        Fate::Failed(_) | Fate::Forwarded { .. } | Fate::Discarded { .. }
    )
    .then_some(completion.reason.as_str());
    let outcome = completion.outcome();
    let again = outcome == Outcome::Retry;
    tracing::info!(
        target: "mail",
        id = known(&message.session),
        message_id = message.message_id,
        recipient = recipient.address,
        mailbox,
        relay = known(&completion.server),
        reply = known(&completion.reply),
        reason,
        attempt = (again || recipient.attempts > 0).then(|| recipient.attempts + 1),
        retry_in_s = again.then(|| completion.retry_at_ms.saturating_sub(now_ms).max(0) / 1000),
        notice = notice.then_some(true),
        delay_ms = now_ms.saturating_sub(message.received_at_ms).max(0),
        "{}",
        name(outcome)
    );
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Relayed => "relayed",
        Outcome::Bounced => "returned",
        Outcome::Discarded => "discarded",
        Outcome::Forwarded => "forwarded",
        Outcome::Expanded => "expanded",
        Outcome::Retry => "put off",
        Outcome::Unspecified | Outcome::Removed | Outcome::Quarantined | Outcome::Released => {
            "ended"
        }
    }
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
