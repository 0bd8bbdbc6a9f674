//! What can become of a recipient in an attempt.

use std::borrow::Cow;
use std::time::Duration;

use rules::{Derivation, Verdict};

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
