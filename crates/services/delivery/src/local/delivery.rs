//! One recipient on the way to a mailbox.

use std::sync::Arc;
use std::time::Duration;

use rules::{EmailAddress, NoUser};
use tokio::time::Instant;

use crate::leases::Lease;
use crate::work::Work;

/// Pause before a recipient is tried again while mailbox-store is away.
pub(super) const PUT_OFF: Duration = Duration::from_secs(15);

/// A recipient's delivery to a mailbox.
pub(crate) struct LocalDelivery {
    pub(super) work: Arc<Work>,
    pub(super) lease: Lease,
    pub(super) user: EmailAddress,
    /// What to do if the user does not exist.
    pub(super) otherwise: NoUser,
    /// Time of its first failure at mailbox-store.
    pub(super) failing_since: Option<Instant>,
    pub(super) progress: Progress,
}

/// The state of this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Not sent yet.
    New,
    /// It is or was in a request. Without an answer, nobody knows whether it is in the mailbox.
    Sent,
    /// As `Sent`, and its batch was refused permanently: it is sent alone, to spare the others.
    Alone,
}

impl LocalDelivery {
    pub(crate) fn new(
        work: &Arc<Work>,
        lease: Lease,
        user: EmailAddress,
        otherwise: NoUser,
    ) -> Self {
        Self {
            work: Arc::clone(work),
            lease,
            user,
            otherwise,
            failing_since: None,
            progress: Progress::New,
        }
    }

    /// Marks it as part of a request.
    pub(super) fn send(&mut self) {
        if self.progress == Progress::New {
            self.progress = Progress::Sent;
        }
    }

    pub(super) fn goes_alone(&self) -> bool {
        self.progress == Progress::Alone
    }

    /// Whether it may be in the mailbox, by this attempt or an earlier one. Only the ledger knows, and
    /// answers at the next attempt.
    pub(super) fn may_have_happened(&self) -> bool {
        self.progress != Progress::New || self.lease.recipient().epoch > 1
    }
}

impl std::fmt::Debug for LocalDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalDelivery")
            .field("lease", &self.lease)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
