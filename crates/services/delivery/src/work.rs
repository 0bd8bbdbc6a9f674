//! A leased message during delivery.

use std::collections::HashMap;
use std::sync::Arc;

use api::queue::v1::LeasedMessage;
use policy_watch::PolicySnapshot;
use rules::Derivation;

use crate::deadline::Deadline;
use crate::fate::Failure;
use crate::leases::LeaseSession;

/// A message whose recipients are being delivered. All of them share it.
pub(crate) struct Work {
    /// The message, without its recipients.
    pub(crate) message: LeasedMessage,
    /// The policy that routes it.
    pub(crate) policy: Arc<PolicySnapshot>,
    /// The stream over which the lease came.
    pub(crate) session: Arc<LeaseSession>,
    /// Messages to derive when recipients end as the policy says, by recipient.
    pub(crate) also: HashMap<i64, Vec<Derivation>>,
}

impl Work {
    /// Whether the lease certainly holds. After its stream has broken, another worker may have it.
    pub(crate) fn is_ours(&self) -> bool {
        self.session.is_live()
    }

    /// The deadline, if the sender set one.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        Deadline::of(&self.message)
    }

    /// The failure that forbids further attempts, if the time is over.
    pub(crate) fn too_late(&self, now_ms: i64) -> Option<Failure> {
        self.deadline()?.forbids_attempts(now_ms)
    }

    /// When delivery could begin, which is the start of the message's lifetime: the arrival, or the release
    /// of a message that was held or in quarantine.
    pub(crate) fn since_ms(&self) -> i64 {
        let message = &self.message;
        message.received_at_ms.max(message.released_at_ms)
    }
}
