//! Where mail to a recipient goes.

use std::fmt;
use std::sync::Arc;

use crate::address::EmailAddress;
use crate::document::Gateway;
use crate::domain::Host;
use crate::policy::{Delivery, DomainRule, HandlerAction, Policy, Unmatched};
use crate::verdict::{Verdict, refusals};

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

impl Policy {
    /// Where mail to a recipient ends (see [`Self::plan`]).
    pub fn route(&self, recipient: &EmailAddress) -> Route {
        let named = recipient.domain().and_then(|domain| self.domain(domain));
        match (named, self.everything_else()) {
            (Some(rule), _) => self.route_by(rule, recipient),
            (None, Some(rule)) if recipient.domain().is_some() => self.route_by(rule, recipient),
            _ => deliver(self.remote(), recipient, "[delivery] remote".into()),
        }
    }

    fn route_by(&self, rule: &DomainRule, recipient: &EmailAddress) -> Route {
        if let Some(handler) = rule.handler(recipient.local()) {
            let label = handler.label.clone();
            return match &handler.action {
                HandlerAction::Mailbox(user) => Route::Mailbox {
                    user: user.clone(),
                    otherwise: NoUser::Wait,
                    rule: label,
                },
                HandlerAction::Discard => Route::Discard { rule: label },
                HandlerAction::Refuse => Route::Refuse {
                    verdict: refusals::REFUSED_BY_HANDLER.because(label.to_string()),
                    rule: label,
                },
            };
        }
        match (&rule.deliver, &rule.name) {
            (Delivery::Mailboxes, Some(name)) => {
                let user = recipient.folded_at(name);
                Route::Mailbox {
                    otherwise: self.no_user(rule, &user),
                    user,
                    rule: rule.label.clone(),
                }
            }
            _ => deliver(&rule.deliver, recipient, rule.label.clone()),
        }
    }

    fn no_user(&self, rule: &DomainRule, user: &EmailAddress) -> NoUser {
        let is_postmaster = user.local() == "postmaster";
        if let Some(instead) = is_postmaster.then(|| self.no_postmaster(user)).flatten() {
            return instead;
        }
        match &rule.unmatched {
            // An oversight of the administrator's, of whom nobody else could be told.
            Unmatched::Refuse if is_postmaster => NoUser::Wait,
            Unmatched::Refuse => NoUser::Refuse,
            Unmatched::Accept => NoUser::Accept,
            Unmatched::CatchAll(user) => NoUser::Mailbox(user.clone()),
        }
    }

    /// RFC 5321 §4.5.1: mail to the postmaster of a domain of ours reaches someone. That is no relaying
    /// (I9) where they read elsewhere: the administrator chose the one address.
    fn no_postmaster(&self, user: &EmailAddress) -> Option<NoUser> {
        if let Some(postmaster) = self.postmaster() {
            return (postmaster != user).then(|| NoUser::Mailbox(postmaster.clone()));
        }
        let postmaster = self.delivery().postmaster.as_ref()?;
        let elsewhere = self.route(postmaster).is_remote();
        elsewhere.then(|| NoUser::Forward(postmaster.clone()))
    }

    /// The users that the route of a recipient may ask for: itself, then those that stand in.
    pub fn users_asked(&self, recipient: &EmailAddress) -> Vec<EmailAddress> {
        match self.route(recipient) {
            Route::Mailbox {
                user, otherwise, ..
            } => match otherwise {
                NoUser::Mailbox(other) => vec![user, other],
                _ => vec![user],
            },
            _ => Vec::new(),
        }
    }
}

fn deliver(delivery: &Delivery, recipient: &EmailAddress, rule: Arc<str>) -> Route {
    match delivery {
        Delivery::Mailboxes => Route::Mailbox {
            user: recipient.folded(),
            otherwise: NoUser::Refuse,
            rule,
        },
        Delivery::Mailbox(user) => Route::Mailbox {
            user: user.clone(),
            otherwise: NoUser::Wait,
            rule,
        },
        Delivery::Direct => Route::Direct {
            host: recipient.host().clone(),
            rule,
        },
        Delivery::Gateway(gateway) => Route::Gateway {
            gateway: gateway.clone(),
            rule,
        },
    }
}
