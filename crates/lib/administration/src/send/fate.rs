//! The outcomes of a sent message.

use std::time::Duration;

use rules::EmailAddress;
use serde::Serialize;

use crate::{Administration, Error, queue};

/// Polling interval while a caller waits.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// The outcomes of a message at the end of the wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Its number in the queue.
    pub message: i64,
    /// Its recipients.
    pub recipients: Vec<Fate>,
    /// Not all recipients have an outcome yet; absent if there was no wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<bool>,
}

/// The outcome of one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// The recipient's address.
    pub address: String,
    /// The name of the outcome in the history; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// The reason; absent if there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Sent {
    /// False if a recipient was bounced or removed, or had no outcome at the end of the wait.
    pub fn ended_well(&self) -> bool {
        let well = |fate: &Fate| !matches!(fate.outcome, Some("bounced" | "removed"));
        self.waiting != Some(true) && self.recipients.iter().all(well)
    }
}

/// Waits until every recipient has an outcome, for at most `wait`; does not wait if it is none.
///
/// # Errors
/// If the queue does not answer; the message stays in the queue.
pub async fn follow(
    administration: &Administration,
    message: i64,
    recipients: &[EmailAddress],
    wait: Option<Duration>,
) -> Result<Sent, Error> {
    let fates = recipients.iter().map(|address| Fate {
        address: address.to_string(),
        outcome: None,
        reason: String::new(),
    });
    let mut sent = Sent {
        message,
        recipients: fates.collect(),
        waiting: None,
    };
    let Some(wait) = wait else { return Ok(sent) };
    let asking = async {
        loop {
            let story = queue::show(administration, message).await?;
            for event in story.history {
                let mut fates = sent.recipients.iter_mut();
                if let Some(fate) = fates.find(|fate| fate.address == event.recipient) {
                    fate.outcome = Some(event.outcome);
                    fate.reason = event.reason;
                }
            }
            if story.waiting.is_none() {
                return Ok::<_, Error>(());
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
