//! What becomes of a message after it was sent.

use std::time::Duration;

use api::queue::v1::Accepted;
use rules::EmailAddress;
use serde::Serialize;

use crate::commands::queue;
use crate::failure::Failure;
use crate::system::System;

/// How often `--wait` asks.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What became of the message, as far as was waited for.
#[derive(Debug, Serialize)]
pub(super) struct Sent {
    pub(super) message: i64,
    pub(super) recipients: Vec<Fate>,
    /// Not all recipients reached an end in time; absent when nobody waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiting: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(super) struct Fate {
    pub(super) address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
}

impl Sent {
    pub(super) fn ended_well(&self) -> bool {
        let well = |fate: &Fate| !matches!(fate.outcome, Some("bounced" | "removed"));
        self.waiting != Some(true) && self.recipients.iter().all(well)
    }

    /// What became of it, in sentences.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!(
            "Message {} is in the queue for {}.",
            self.message,
            match self.recipients.as_slice() {
                [one] => one.address.clone(),
                many => format!("{} recipients", many.len()),
            }
        )];
        for fate in &self.recipients {
            let reason = match fate.reason.as_str() {
                "" => String::new(),
                reason => format!(" ({reason})"),
            };
            if let Some(outcome) = fate.outcome {
                lines.push(format!("{}: {outcome}{reason}", fate.address));
            }
        }
        if self.waiting == Some(true) {
            let message = self.message;
            lines.push(format!(
                "It is still on its way; see postern queue show {message}"
            ));
        }
        lines.join("\n")
    }
}

/// Takes the fates from the history, again and again while something waits, for `wait` at most.
pub(super) async fn follow(
    system: &System,
    accepted: &Accepted,
    recipients: &[EmailAddress],
    wait: Option<Duration>,
) -> Result<Sent, Failure> {
    let fates = recipients.iter().map(|address| Fate {
        address: address.to_string(),
        outcome: None,
        reason: String::new(),
    });
    let mut sent = Sent {
        message: accepted.message_id,
        recipients: fates.collect(),
        waiting: None,
    };
    let Some(wait) = wait else { return Ok(sent) };
    let asking = async {
        loop {
            let shown = queue::show(system, accepted.message_id).await?;
            for event in &shown.history {
                let mut fates = sent.recipients.iter_mut();
                if let Some(fate) = fates.find(|fate| fate.address == event.address) {
                    fate.outcome = Some(queue::outcome(event.outcome()));
                    fate.reason.clone_from(&event.reason);
                }
            }
            if shown.message.is_none() {
                return Ok::<_, Failure>(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    let ended = tokio::time::timeout(wait, asking).await;
    sent.waiting = Some(match ended {
        Ok(result) => result.map(|()| false)?,
        Err(_) => true,
    });
    Ok(sent)
}
