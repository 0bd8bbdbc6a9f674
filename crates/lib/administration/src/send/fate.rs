//! What becomes of a message after it was sent.

use std::time::Duration;

use rules::EmailAddress;
use serde::Serialize;

use crate::{Administration, Error, queue};

/// How often the queue is asked while somebody waits.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What became of the message, as far as was waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Its number in the queue.
    pub message: i64,
    /// Each of its recipients.
    pub recipients: Vec<Fate>,
    /// Not all recipients reached an end in time; absent when nobody waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<bool>,
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// The recipient's address.
    pub address: String,
    /// As the history calls it; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// Why; absent where nobody said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Sent {
    /// False if a recipient was bounced or removed, or had reached no end when the wait was over.
    pub fn ended_well(&self) -> bool {
        let well = |fate: &Fate| !matches!(fate.outcome, Some("bounced" | "removed"));
        self.waiting != Some(true) && self.recipients.iter().all(well)
    }
}

/// Waits until every recipient has reached an end, for `wait` at most; not at all when none.
///
/// # Errors
/// The queue cannot be asked; the message is in it all the same.
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
