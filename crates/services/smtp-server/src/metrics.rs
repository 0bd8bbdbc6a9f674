//! Prometheus metrics.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use metrics::{Counter, Gauge, counter, gauge};

/// Handles, looked up once.
pub(crate) struct Metrics {
    pub(crate) connections: Counter,
    pub(crate) open: Gauge,
    pub(crate) messages: Counter,
    pub(crate) recipients: Counter,
    pub(crate) octets: Counter,
    /// By method and result: a few dozen. Each message has half a dozen.
    authentication: RwLock<HashMap<(&'static str, &'static str), Counter>>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            connections: counter!("postern_smtp_connections_total"),
            open: gauge!("postern_smtp_connections_open"),
            messages: counter!("postern_smtp_messages_accepted_total"),
            recipients: counter!("postern_smtp_recipients_accepted_total"),
            octets: counter!("postern_smtp_accepted_octets_total"),
            authentication: RwLock::default(),
        }
    }

    /// Counts attachments removed from a message.
    pub(crate) fn removed(&self, attachments: usize) {
        counter!("postern_smtp_attachments_removed_total").increment(attachments as u64);
    }

    /// Counts a result of SPF, DKIM and the like.
    pub(crate) fn authenticated(&self, method: &'static str, result: &'static str) {
        let known = self.authentication.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.get(&(method, result)) {
            return counter.increment(1);
        }
        drop(known);
        let labels = [("method", method), ("result", result)];
        let counter = counter!("postern_smtp_authentication_results_total", &labels);
        counter.increment(1);
        let known = self.authentication.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.insert((method, result), counter);
    }

    /// Counts a message put into quarantine, by its verdict.
    pub(crate) fn quarantined(&self, verdict: &'static str) {
        counter!("postern_smtp_quarantined_total", "verdict" => verdict).increment(1);
    }

    /// Counts a refusal of a sender, recipient or message, by its verdict.
    pub(crate) fn refused(&self, verdict: &'static str) {
        counter!("postern_smtp_refused_total", "verdict" => verdict).increment(1);
    }
}
