//! A leased message while it is at work.

use std::collections::HashMap;
use std::sync::Arc;

use api::policy_watch::PolicySnapshot;
use api::queue::v1::LeasedMessage;
use rules::Derivation;

use crate::deadline::Deadline;
use crate::fate::Failure;
use crate::leases::LeaseSession;

/// A message whose recipients are being delivered. Shared by all of them.
pub(crate) struct Work {
    /// The message; its recipients have been taken out.
    pub(crate) message: LeasedMessage,
    /// By which it is routed.
    pub(crate) policy: Arc<PolicySnapshot>,
    /// The stream that the lease came by.
    pub(crate) session: Arc<LeaseSession>,
    /// What is made of it when recipients end as the policy says, by recipient.
    pub(crate) also: HashMap<i64, Vec<Derivation>>,
}

impl Work {
    /// Whether the lease is ours for certain: once its stream has broken, another worker may have
    /// it.
    pub(crate) fn is_ours(&self) -> bool {
        self.session.is_live()
    }

    /// By when it is to be delivered, if the sender said.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        Deadline::of(&self.message)
    }

    /// Why no attempt is made any more, if so.
    pub(crate) fn too_late(&self, now_ms: i64) -> Option<Failure> {
        self.deadline()?.forbids_attempts(now_ms)
    }

    /// When delivery could begin: its lifetime is counted from there. What was held, or in quarantine,
    /// has no less.
    pub(crate) fn since_ms(&self) -> i64 {
        let message = &self.message;
        message.received_at_ms.max(message.released_at_ms)
    }
}
