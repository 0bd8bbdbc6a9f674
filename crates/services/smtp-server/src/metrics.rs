//! What Prometheus is told.

use metrics::{Counter, Gauge, counter, gauge};

/// Handles, looked up once.
pub(crate) struct Metrics {
    pub(crate) connections: Counter,
    pub(crate) open: Gauge,
    pub(crate) messages: Counter,
    pub(crate) recipients: Counter,
    pub(crate) octets: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            connections: counter!("postern_smtp_connections_total"),
            open: gauge!("postern_smtp_connections_open"),
            messages: counter!("postern_smtp_messages_accepted_total"),
            recipients: counter!("postern_smtp_recipients_accepted_total"),
            octets: counter!("postern_smtp_accepted_octets_total"),
        }
    }

    /// Attachments that were taken out of a message.
    pub(crate) fn removed(&self, attachments: usize) {
        counter!("postern_smtp_attachments_removed_total").increment(attachments as u64);
    }

    /// A result of SPF, DKIM and the like.
    pub(crate) fn authenticated(&self, method: &'static str, result: &'static str) {
        let labels = [("method", method), ("result", result)];
        counter!("postern_smtp_authentication_results_total", &labels).increment(1);
    }

    /// A message that was put into quarantine, by the verdict that speaks against it.
    pub(crate) fn quarantined(&self, verdict: &'static str) {
        counter!("postern_smtp_quarantined_total", "verdict" => verdict).increment(1);
    }

    /// A refusal of sender, recipient or message, by the verdict's name.
    pub(crate) fn refused(&self, verdict: &'static str) {
        counter!("postern_smtp_refused_total", "verdict" => verdict).increment(1);
    }
}
