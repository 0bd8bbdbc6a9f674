//! Outcomes that are recorded together, and what is recorded instead if the queue refuses them permanently.

use api::queue::v1::{Completion, Derived, DerivedKind};
use prost::Message as _;
use tokio::time::Instant;

use crate::leases::{Ended, Lease};

/// Called with the lease and the queue's reason if the queue refuses the forwarded message.
pub(crate) type NotMade = Box<dyn FnOnce(Lease, &str) + Send + Sync>;

/// Ends that are recorded together or not at all: a single one, or those of one notice, with their derived
/// messages.
pub(crate) struct OutcomeGroup {
    pub(super) ended: Vec<Ended>,
    pub(super) derived: Vec<Derived>,
    /// Time of its first failure alone.
    pub(super) failing_since: Option<Instant>,
    /// Set for a forwarded recipient: without the derived message the mail would be lost.
    not_made: Option<NotMade>,
    /// Reduced to the outcome itself.
    bare: bool,
}

impl OutcomeGroup {
    /// One end without a derived message.
    pub(crate) fn quiet(ended: Ended) -> Self {
        Self::making(vec![ended], Vec::new())
    }

    /// Ends with their derived messages.
    pub(crate) fn making(ended: Vec<Ended>, derived: Vec<Derived>) -> Self {
        Self {
            ended,
            derived,
            failing_since: None,
            not_made: None,
            bare: false,
        }
    }

    /// The end of a forwarded recipient, with its derived messages. If the queue refuses them, `not_made` gets
    /// the lease.
    pub(crate) fn going_on(ended: Ended, derived: Vec<Derived>, not_made: NotMade) -> Self {
        Self {
            not_made: Some(not_made),
            ..Self::making(vec![ended], derived)
        }
    }

    /// An end whose sender should get a notice but cannot; the history gets the reason.
    pub(crate) fn without_notice(ended: Ended, why: &str) -> Self {
        Self::with_remark(ended, &format!("no notice was sent: {why}"))
    }

    fn with_remark(mut ended: Ended, remark: &str) -> Self {
        remark_on(ended.completion_mut(), remark);
        Self::quiet(ended)
    }

    /// Adds derived messages.
    pub(crate) fn with(self, derived: Vec<Derived>) -> Self {
        Self { derived, ..self }
    }

    /// A reduced replacement for a group that the queue refuses permanently: first the outcomes without
    /// derived messages, then the bare outcome. Empty when no further reduction is possible, and if `not_made` ends
    /// the attempt.
    ///
    /// A recipient whose lease merely expired would come back with the same outcome for ever (I2), and would
    /// go to another server once more each time.
    pub(super) fn lesser(self, why: &str) -> Vec<Self> {
        if let Some(not_made) = self.not_made {
            if let Some(one) = self.ended.into_iter().next() {
                not_made(one.into_lease(), why);
            }
            return Vec::new();
        }
        if !self.derived.is_empty() {
            let is_notice = |one: &Derived| one.kind() == DerivedKind::Notice;
            // A delay notice still counts as sent: otherwise it would be refused again after each attempt.
            let remark = match self.derived.iter().all(is_notice) {
                true => format!("no notice was sent: {why}"),
                false => format!("no message was derived: {why}"),
            };
            let ended = self.ended.into_iter();
            return ended.map(|one| Self::with_remark(one, &remark)).collect();
        }
        if self.bare {
            return Vec::new();
        }
        let bare = self.ended.into_iter().map(|mut one| {
            *one.completion_mut() = bare(one.completion(), why);
            Self {
                bare: true,
                ..Self::quiet(one)
            }
        });
        bare.collect()
    }

    pub(super) fn completions(&self) -> impl Iterator<Item = &Completion> {
        self.ended.iter().map(Ended::completion)
    }

    /// The queue's ids of its recipients.
    pub(super) fn recipients(&self) -> Vec<i64> {
        let recipients = self.ended.iter().map(Ended::recipient);
        recipients.map(|one| one.recipient_id).collect()
    }

    #[cfg(test)]
    pub(crate) fn parts(&self) -> (Vec<&Completion>, &[Derived]) {
        (self.completions().collect(), &self.derived)
    }

    pub(super) fn octets(&self) -> usize {
        let completions = self.completions().map(Completion::encoded_len);
        let derived = self.derived.iter().map(Derived::encoded_len);
        completions.sum::<usize>() + derived.sum::<usize>()
    }
}

/// Appends a remark to the reason in the history.
pub(crate) fn remark_on(completion: &mut Completion, remark: &str) {
    completion.reason.push_str(&format!(" ({remark})"));
}

fn bare(completion: &Completion, why: &str) -> Completion {
    Completion {
        lease: completion.lease,
        outcome: completion.outcome,
        reason: format!("the queue refused the details: {why}"),
        // The queue requires a time, of any value.
        retry_at_ms: completion.retry_at_ms.max(1),
        retry_after_ms: completion.retry_after_ms.max(1),
        delay_notified: completion.delay_notified,
        ..Completion::default()
    }
}

impl std::fmt::Debug for OutcomeGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutcomeGroup")
            .field("ended", &self.ended)
            .field("derived", &self.derived)
            .finish_non_exhaustive()
    }
}
