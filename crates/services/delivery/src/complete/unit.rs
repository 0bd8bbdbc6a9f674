//! What is recorded together, and what is recorded instead where the queue refuses it for good.

use api::queue::v1::{Completion, Derived, DerivedKind, LeaseKey, Outcome};
use prost::Message as _;
use tokio::time::Instant;

/// When a recipient that goes on as another message is tried again, where the queue does not take that one.
const NOT_MADE_MS: i64 = 3_600_000;

/// Completions that are recorded together or not at all: one, or those that a notice speaks of; with the
/// messages that they make.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(super) completions: Vec<Completion>,
    pub(super) derived: Vec<Derived>,
    /// Since when it has failed by itself.
    pub(super) failing_since: Option<Instant>,
    /// No more than that it ended, and how.
    bare: bool,
}

impl Unit {
    /// One that nobody is told of.
    pub(crate) fn quiet(completion: Completion) -> Self {
        Self::making(vec![completion], Vec::new())
    }

    /// Completions with the messages that they make.
    pub(crate) fn making(completions: Vec<Completion>, derived: Vec<Derived>) -> Self {
        Self {
            completions,
            derived,
            failing_since: None,
            bare: false,
        }
    }

    /// One whose sender would be told, but cannot be; the history says why.
    pub(crate) fn untold(completion: Completion, why: &str) -> Self {
        Self::quiet(remarked(
            completion,
            &format!("the sender was not told: {why}"),
        ))
    }

    /// The same with the messages that it makes.
    pub(crate) fn with(self, derived: Vec<Derived>) -> Self {
        Self { derived, ..self }
    }

    /// What is recorded instead of this, which the queue refuses for good: the outcomes without what they
    /// make, then no more than how it ended. Empty when there is no less to say.
    ///
    /// Whatever is left to its lease comes back for the same outcome, for ever (I2), and has gone
    /// to another server once more each time.
    pub(super) fn lesser(self, why: &str) -> Vec<Self> {
        if !self.derived.is_empty() {
            let is_notice = |one: &Derived| one.kind() == DerivedKind::Notice;
            let only_told = self.derived.iter().all(is_notice);
            let completions = self.completions.into_iter();
            return completions
                .map(|one| match one.outcome() {
                    Outcome::Forwarded | Outcome::Expanded => Self::quiet(not_made(one, why)),
                    // That a delay was told of stays: it would be refused again after each attempt.
                    _ if only_told => Self::untold(one, why),
                    _ => Self::quiet(remarked(one, &format!("no message was made of it: {why}"))),
                })
                .collect();
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
    pub(crate) fn parts(&self) -> (&[Completion], &[Derived]) {
        (&self.completions, &self.derived)
    }

    pub(super) fn octets(&self) -> usize {
        let completions = self.completions.iter().map(Completion::encoded_len);
        let derived = self.derived.iter().map(Derived::encoded_len);
        completions.sum::<usize>() + derived.sum::<usize>()
    }
}

fn remarked(mut completion: Completion, remark: &str) -> Completion {
    completion.reason.push_str(&format!(" ({remark})"));
    completion
}

/// The recipient would be gone with the message that it was to go on as: so it stays.
fn not_made(completion: Completion, why: &str) -> Completion {
    let mut completion = remarked(completion, &format!("not done: {why}"));
    completion.set_outcome(Outcome::Retry);
    completion.retry_after_ms = NOT_MADE_MS;
    completion
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
