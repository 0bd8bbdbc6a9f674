//! Accepted messages that are held back until an administrator decides. The client gets 250 as usual.

use api::queue::v1::QuarantineTerms;
use rules::{QuarantineSettings, Verdict};

use super::Connection;

impl Connection {
    /// Logs that a message was accepted into quarantine: `quarantined`, with the first verdict.
    pub(super) fn note_quarantine(&self, id: &str, message_id: i64, verdicts: &[&'static str]) {
        if verdicts.is_empty() {
            return;
        }
        tracing::debug!(id, message_id, ?verdicts, "quarantined");
        for verdict in verdicts {
            self.server.metrics.quarantined(verdict);
        }
    }
}

pub(super) fn names(verdicts: &[Verdict]) -> Vec<&'static str> {
    verdicts.iter().map(|verdict| verdict.name).collect()
}

/// The reasons and the duration of a quarantine, for the queue; `None` for a message to be delivered.
pub(super) fn terms(
    verdicts: &[Verdict],
    settings: &QuarantineSettings,
) -> Option<QuarantineTerms> {
    let reasons: Vec<String> = verdicts.iter().map(ToString::to_string).collect();
    (!reasons.is_empty()).then(|| QuarantineTerms {
        reason: reasons.join("; "),
        seconds: settings.keep_seconds(),
    })
}
