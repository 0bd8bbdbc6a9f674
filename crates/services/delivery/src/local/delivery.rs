//! One recipient on the way to a mailbox.

use std::sync::Arc;
use std::time::Duration;

use rules::{EmailAddress, NoUser};
use tokio::time::Instant;

use crate::leases::Lease;
use crate::work::Work;

/// When a recipient is tried again whose mailbox-store is away.
pub(super) const PUT_OFF: Duration = Duration::from_secs(15);

/// See the module.
pub(crate) struct LocalDelivery {
    pub(super) work: Arc<Work>,
    pub(super) lease: Lease,
    pub(super) user: EmailAddress,
    /// What holds when there is no such user.
    pub(super) otherwise: NoUser,
    /// Since when mailbox-store has failed it.
    pub(super) failing_since: Option<Instant>,
    pub(super) progress: Progress,
}

/// What has been tried in this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing.
    New,
    /// It is, or was, in a request: without an answer nobody knows whether it is in the mailbox.
    Sent,
    /// The same, and its batch was refused for good: it goes alone, to spare the others.
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

    /// It is put into a request.
    pub(super) fn send(&mut self) {
        if self.progress == Progress::New {
            self.progress = Progress::Sent;
        }
    }

    pub(super) fn goes_alone(&self) -> bool {
        self.progress == Progress::Alone
    }

    /// Whether it may be in the mailbox, by this attempt or one before: only the ledger knows, and
    /// tells at the next.
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
