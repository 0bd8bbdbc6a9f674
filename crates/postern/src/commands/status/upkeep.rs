//! The work of mailbox-store in the background, in `postern status`.

use api::mailbox::v1::{GetUpkeepRequest, GetUpkeepResponse};
use serde::Serialize;

use super::counted;
use crate::failure::Failure;
use crate::system::{Asked, System};

/// Summaries of messages that an older version made.
#[derive(Debug, Serialize)]
pub(super) struct Upkeep {
    /// Still to be made anew.
    outdated_summaries: u64,
    /// Made anew since mailbox-store was started.
    renewed_summaries: u64,
    /// Kept as they were since mailbox-store was started: their messages cannot be read.
    unreadable_messages: u64,
}

pub(super) async fn ask(system: &System) -> Result<Upkeep, Failure> {
    let answer = system
        .upkeep(Asked::Question)?
        .get_upkeep(GetUpkeepRequest {})
        .await;
    answer
        .map(|answer| Upkeep::from(answer.into_inner()))
        .map_err(|status| Failure::call("mailbox-store", &status))
}

impl From<GetUpkeepResponse> for Upkeep {
    fn from(answer: GetUpkeepResponse) -> Self {
        Self {
            outdated_summaries: answer.outdated_summaries,
            renewed_summaries: answer.renewed_summaries,
            unreadable_messages: answer.unreadable_bodies,
        }
    }
}

impl Upkeep {
    /// One line while there is something to say.
    pub(super) fn text(&self) -> Option<String> {
        let mut sentences = Vec::new();
        if self.outdated_summaries > 0 {
            sentences.push(format!(
                "An older version made the summaries of {}; they are being renewed, {} so far.",
                counted(self.outdated_summaries, "message"),
                self.renewed_summaries,
            ));
        }
        if self.unreadable_messages > 0 {
            sentences.push(format!(
                "{} could not be read for that: see the log of mailbox-store.",
                counted(self.unreadable_messages, "message"),
            ));
        }
        (!sentences.is_empty()).then(|| format!("Mailboxes: {}", sentences.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_left_and_nothing_when_nothing_is() {
        let line = |outdated_summaries, unreadable_bodies| {
            let answer = GetUpkeepResponse {
                outdated_summaries,
                renewed_summaries: 300,
                unreadable_bodies,
            };
            Upkeep::from(answer).text()
        };
        assert_eq!(line(0, 0), None);
        assert_eq!(
            line(12, 1).as_deref(),
            Some(
                "Mailboxes: An older version made the summaries of 12 messages; they are being \
                 renewed, 300 so far. 1 message could not be read for that: see the log of \
                 mailbox-store."
            )
        );
    }
}
