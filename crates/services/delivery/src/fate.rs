//! Possible results of an attempt for a recipient.

use std::borrow::Cow;
use std::time::Duration;

use rules::{Derivation, Verdict};

/// The result of an attempt for one recipient.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fate {
    /// Stored in the mailbox of this user.
    Delivered { user: String },
    /// Accepted by another server.
    Relayed {
        server: String,
        reply: String,
        /// NOTIFY was passed on to the server (RFC 3461 §5.2).
        reports: bool,
        /// This system sends the notice, whether requested or not (RFC 2852 §4.1.4).
        traced: bool,
    },
    /// Continues as these messages, by this rule.
    Forwarded { rule: String, made: Vec<Derivation> },
    /// Discarded by this rule.
    Discarded { rule: String },
    /// Not delivered.
    Failed(Failure),
}

/// The failure of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// A retry cannot help.
    pub(crate) permanent: bool,
    /// Enhanced status code (RFC 3463).
    pub(crate) status: Cow<'static, str>,
    /// Explanation for a person.
    pub(crate) reason: String,
    /// The server that replied; empty if none did.
    pub(crate) server: String,
    /// Its reply.
    pub(crate) reply: String,
    /// The pause before the next attempt, instead of the schedule's: the message is not at fault, but this
    /// system or the destination.
    pub(crate) retry_in: Option<Duration>,
    /// The message may have been delivered: its content got no answer. Such a failure never ends the
    /// recipient, however late; the notice of a failure could be false.
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

    /// The failure from a rule's verdict.
    pub(crate) fn by_rule(verdict: &Verdict) -> Self {
        Self {
            permanent: !verdict.is_temporary(),
            ..Self::permanent(verdict.enhanced, format!("{}: {verdict}", verdict.text))
        }
    }
}
