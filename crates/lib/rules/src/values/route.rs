//! Where mail to a recipient goes, and what RCPT is answered.

use std::fmt;
use std::sync::Arc;

use crate::values::address::EmailAddress;
use crate::values::domain::Host;
use crate::values::gateway::Gateway;
use crate::values::verdict::{Verdict, refusals};

/// What becomes of mail to a recipient, and the rule that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route {
    /// Into the INBOX of a user.
    Mailbox {
        /// The user, in lower case, at the domain's own name where the recipient used an alias.
        user: EmailAddress,
        /// What holds when there is no such user.
        otherwise: NoUser,
        /// The deciding rule, for the history.
        rule: Arc<str>,
    },
    /// To the servers that the DNS names for the host.
    Direct {
        /// The recipient's domain or address literal.
        host: Host,
        /// The deciding rule.
        rule: Arc<str>,
    },
    /// To a gateway.
    Gateway {
        /// The gateway.
        gateway: Arc<Gateway>,
        /// The deciding rule.
        rule: Arc<str>,
    },
    /// It goes on as another message, which its plan makes of it.
    Forward {
        /// The deciding rule.
        rule: Arc<str>,
    },
    /// Accepted and thrown away.
    Discard {
        /// The deciding rule.
        rule: Arc<str>,
    },
    /// Refused; when it is already in the queue, returned to the sender.
    Refuse {
        /// Why.
        verdict: Verdict,
        /// The deciding rule.
        rule: Arc<str>,
    },
}

/// What holds when a route's user has no mailbox here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoUser {
    /// Refused at RCPT; returned to the sender when it is already in the queue.
    Refuse,
    /// Accepted at RCPT all the same; returned to the sender by delivery.
    Accept,
    /// Goes to this user. If that one is missing too, it waits as with `Wait`.
    Mailbox(EmailAddress),
    /// Is forwarded to this address, whose mail goes to another server: that of a postmaster.
    Forward(EmailAddress),
    /// A rule names a mailbox that does not exist: an oversight that must not cost mail, so it is
    /// tried again later.
    Wait,
}

impl NoUser {
    /// What is said to the sender when this is where it ends.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Refuse | Self::Accept => refusals::NO_SUCH_USER,
            Self::Mailbox(_) | Self::Forward(_) | Self::Wait => refusals::MAILBOX_MISSING,
        }
    }
}

impl Route {
    /// The rule that decided, as the history names it.
    pub fn rule(&self) -> &str {
        match self {
            Self::Mailbox { rule, .. }
            | Self::Direct { rule, .. }
            | Self::Gateway { rule, .. }
            | Self::Forward { rule }
            | Self::Discard { rule }
            | Self::Refuse { rule, .. } => rule,
        }
    }

    /// Whether another server gets the message.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Direct { .. } | Self::Gateway { .. })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox { user, .. } => write!(f, "mailbox {user}"),
            Self::Direct { host, .. } => write!(f, "direct to {host}"),
            Self::Gateway { gateway, .. } => write!(f, "gateway {}", gateway.name),
            Self::Forward { .. } => f.write_str("forwarded"),
            Self::Discard { .. } => f.write_str("discarded"),
            Self::Refuse { verdict, .. } => write!(f, "refused: {}", verdict.name),
        }
    }
}

/// What is answered to RCPT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecipientVerdict {
    /// Accepted; `route` says what will become of it.
    Accept {
        /// Where mail to this recipient goes.
        route: Route,
    },
    /// Accepted if `user` has a mailbox here, else `otherwise` holds.
    AcceptIfUser {
        /// The user to look up, in lower case.
        user: EmailAddress,
        /// Where mail to this recipient goes.
        route: Route,
        /// What holds when there is no such user.
        otherwise: Box<RecipientVerdict>,
    },
    /// Refused.
    Refuse(Verdict),
}
