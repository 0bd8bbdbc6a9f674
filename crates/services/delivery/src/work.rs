//! A leased message while it is at work, and what can become of its recipients.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::policy_watch::PolicySnapshot;
use api::queue::v1::{LeaseKey, LeasedMessage, LeasedRecipient};
use rules::{Derivation, Verdict};

use crate::deadline::Deadline;
use crate::lease::LeaseSession;

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

pub(crate) fn lease_key(recipient: &LeasedRecipient) -> LeaseKey {
    LeaseKey {
        recipient_id: recipient.recipient_id,
        epoch: recipient.epoch,
    }
}

/// What an attempt has come to, for one recipient.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fate {
    /// In the mailbox of this user.
    Delivered { user: String },
    /// Taken by another server.
    Relayed {
        server: String,
        reply: String,
        /// The server was told which notices the sender wants (RFC 3461 §5.2).
        reports: bool,
        /// The sender is told by us, whether asked for or not (RFC 2852 §4.1.4).
        traced: bool,
    },
    /// Goes on as these messages, by this rule.
    Forwarded { rule: String, made: Vec<Derivation> },
    /// Thrown away by this rule.
    Discarded { rule: String },
    /// Not delivered.
    Failed(Failure),
}

/// Why a recipient was not delivered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// Trying again cannot help.
    pub(crate) permanent: bool,
    /// Enhanced status code (RFC 3463).
    pub(crate) status: Cow<'static, str>,
    /// For a person.
    pub(crate) reason: String,
    /// The server that answered; empty when none did.
    pub(crate) server: String,
    /// What it said.
    pub(crate) reply: String,
    /// When to try again, where the schedule has no say: the fault was ours or the
    /// destination's, not the message's.
    pub(crate) retry_in: Option<Duration>,
    /// It may have been delivered all the same: no answer tells. So this is never the last word,
    /// however late it is; its sender would be told of a failure that was none.
    pub(crate) unsettled: bool,
}

impl Failure {
    pub(crate) fn permanent(
        status: impl Into<Cow<'static, str>>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            permanent: true,
            status: status.into(),
            reason: reason.into(),
            server: String::new(),
            reply: String::new(),
            retry_in: None,
            unsettled: false,
        }
    }

    pub(crate) fn temporary(
        status: impl Into<Cow<'static, str>>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            permanent: false,
            ..Self::permanent(status, reason)
        }
    }

    pub(crate) fn retry_in(mut self, pause: Duration) -> Self {
        self.retry_in = Some(pause);
        self
    }

    /// What a rule says.
    pub(crate) fn by_rule(verdict: &Verdict) -> Self {
        Self {
            permanent: !verdict.is_temporary(),
            ..Self::permanent(verdict.enhanced, format!("{}: {verdict}", verdict.text))
        }
    }
}
