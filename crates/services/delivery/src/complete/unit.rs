//! What is recorded together, and what is recorded instead where the queue refuses it for good.

use api::queue::v1::{Completion, LeaseKey, Notice};
use prost::Message as _;
use tokio::time::Instant;

/// Completions that are recorded together or not at all: one, or those that a notice speaks of.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(super) completions: Vec<Completion>,
    pub(super) notice: Option<Notice>,
    /// Since when it has failed by itself.
    pub(super) failing_since: Option<Instant>,
    /// No more than that it ended, and how.
    bare: bool,
}

impl Unit {
    /// One that nobody is told of.
    pub(crate) fn quiet(completion: Completion) -> Self {
        Self {
            completions: vec![completion],
            notice: None,
            failing_since: None,
            bare: false,
        }
    }

    pub(crate) fn told(completions: Vec<Completion>, notice: Notice) -> Self {
        Self {
            completions,
            notice: Some(notice),
            failing_since: None,
            bare: false,
        }
    }

    /// One whose sender would be told, but cannot be; the history says why.
    pub(crate) fn untold(mut completion: Completion, why: &str) -> Self {
        completion
            .reason
            .push_str(&format!(" (the sender was not told: {why})"));
        Self::quiet(completion)
    }

    /// What is recorded instead of this, which the queue refuses for good: the outcomes without
    /// their notice, then no more than how it ended. Empty when there is no less to say.
    ///
    /// Whatever is left to its lease comes back for the same outcome, for ever (I2), and has gone
    /// to another server once more each time.
    pub(super) fn lesser(self, why: &str) -> Vec<Self> {
        if self.notice.is_some() {
            // That a delay was told of stays: it would be refused again after each attempt.
            let completions = self.completions.into_iter();
            return completions.map(|one| Self::untold(one, why)).collect();
        }
        if self.bare {
            return Vec::new();
        }
        let completions = self.completions.into_iter();
        let bare = completions.map(|one| Self {
            bare: true,
            ..Self::quiet(bare(one, why))
        });
        bare.collect()
    }

    pub(super) fn leases(&self) -> impl Iterator<Item = &LeaseKey> {
        let completions = self.completions.iter();
        completions.filter_map(|completion| completion.lease.as_ref())
    }

    #[cfg(test)]
    pub(crate) fn parts(&self) -> (&[Completion], Option<&Notice>) {
        (&self.completions, self.notice.as_ref())
    }

    pub(super) fn octets(&self) -> usize {
        let completions = self.completions.iter().map(Completion::encoded_len);
        completions.sum::<usize>() + self.notice.as_ref().map_or(0, Notice::encoded_len)
    }
}

fn bare(completion: Completion, why: &str) -> Completion {
    Completion {
        lease: completion.lease,
        outcome: completion.outcome,
        reason: format!("the queue did not take the particulars: {why}"),
        // The queue asks for a time, and takes any.
        retry_at_ms: completion.retry_at_ms.max(1),
        retry_after_ms: completion.retry_after_ms.max(1),
        delay_notified: completion.delay_notified,
        ..Completion::default()
    }
}
