//! The route of mail to a recipient, and the verdict on RCPT.

use std::fmt;
use std::sync::Arc;

use crate::values::address::EmailAddress;
use crate::values::domain::Host;
use crate::values::gateway::Gateway;
use crate::values::verdict::{Verdict, refusals};

/// The route of mail to a recipient, and the deciding rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route {
    /// Into the INBOX of a user.
    Mailbox {
        /// The user, in lower case, in the domain's main name if the recipient used an alias.
        user: EmailAddress,
        /// The alternative if the user does not exist.
        otherwise: NoUser,
        /// The deciding rule, for the history.
        rule: Arc<str>,
    },
    /// To the host's MX servers.
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
    /// The plan derives another message from it.
    Forward {
        /// The deciding rule.
        rule: Arc<str>,
    },
    /// Accepted and discarded.
    Discard {
        /// The deciding rule.
        rule: Arc<str>,
    },
    /// Refused; if it is already in the queue, returned to the sender.
    Refuse {
        /// The reason.
        verdict: Verdict,
        /// The deciding rule.
        rule: Arc<str>,
    },
}

/// The alternative if a route's user has no mailbox here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoUser {
    /// Refused at RCPT; returned to the sender if it is already in the queue.
    Refuse,
    /// Accepted at RCPT; returned to the sender by delivery.
    Accept,
    /// Delivered to this user. If it does not exist either, the message waits, as with `Wait`.
    Mailbox(EmailAddress),
    /// Forwarded to this address on another server: the postmaster's.
    Forward(EmailAddress),
    /// A rule names a missing mailbox: a configuration error that must not lose mail, so delivery is
    /// retried later.
    Wait,
}

impl NoUser {
    /// The verdict for the sender if the recipient ends here.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Refuse | Self::Accept => refusals::NO_SUCH_USER,
            Self::Mailbox(_) | Self::Forward(_) | Self::Wait => refusals::MAILBOX_MISSING,
        }
    }
}

impl Route {
    /// The deciding rule, as recorded in the history.
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

    /// Whether the message goes to another server.
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

/// The answer to RCPT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecipientVerdict {
    /// Accepted; `route` is the route of the message.
    Accept {
        /// The route of mail to this recipient.
        route: Route,
    },
    /// Accepted if `user` has a mailbox here, otherwise `otherwise` applies.
    AcceptIfUser {
        /// The user to look up, in lower case.
        user: EmailAddress,
        /// The route of mail to this recipient.
        route: Route,
        /// The alternative if the user does not exist.
        otherwise: Box<RecipientVerdict>,
    },
    /// Refused.
    Refuse(Verdict),
}
