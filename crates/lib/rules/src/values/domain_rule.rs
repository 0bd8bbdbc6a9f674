//! Rules for the mail of a domain.

use std::collections::HashMap;
use std::sync::Arc;

use crate::values::address::EmailAddress;
use crate::values::domain::Domain;
use crate::values::gateway::Gateway;
use crate::values::pattern::Pattern;

/// The rule for the mail of a domain.
#[derive(Debug)]
pub struct DomainRule {
    /// The domain; `None` for the rule `*`.
    pub name: Option<Domain>,
    /// Other names of the domain.
    pub aliases: Vec<Domain>,
    /// The destination of its mail.
    pub deliver: Delivery,
    /// The action for recipients without a handler and a mailbox.
    pub unmatched: Unmatched,
    /// Whether untrusted senders may reach it.
    pub open: bool,
    /// Its handlers in the document's order.
    pub handlers: Vec<Handler>,
    /// Line of the document where it begins.
    pub line: usize,
    /// The name of the rule in reasons.
    pub(crate) label: Arc<str>,
    /// Handlers without wildcards, by local part in lower case.
    pub(crate) exact: HashMap<String, usize>,
    /// The handlers with wildcards, in order.
    pub(crate) wildcard: Vec<usize>,
}

/// The destination of a domain's mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// To the mailboxes of the recipients.
    Mailboxes,
    /// All to the mailbox of one user.
    Mailbox(EmailAddress),
    /// To the domain's MX servers.
    Direct,
    /// To a gateway.
    Gateway(Arc<Gateway>),
}

impl Delivery {
    /// Whether mail stays in this system.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Mailboxes | Self::Mailbox(_))
    }
}

/// The action for recipients of a local domain without a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmatched {
    /// Refused at RCPT.
    Refuse,
    /// Accepted at RCPT, so that clients cannot probe for mailboxes; returned to the sender if delivery
    /// finds no mailbox.
    Accept,
    /// Delivered to this user.
    CatchAll(EmailAddress),
}

/// A rule for some local parts of a domain; has precedence over the domain's rule.
#[derive(Debug)]
pub struct Handler {
    /// The matching local parts.
    pub pattern: Pattern,
    /// The action.
    pub action: HandlerAction,
    /// Line of the document where it begins.
    pub line: usize,
    /// The name of the handler in reasons.
    pub(crate) label: Arc<str>,
}

/// The action of a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerAction {
    /// Delivers to this user.
    Mailbox(EmailAddress),
    /// Accepts and discards.
    Discard,
    /// Refuses.
    Refuse,
}

impl DomainRule {
    /// The handler for a local part: an exact match, otherwise the first matching wildcard.
    pub fn handler(&self, local: &str) -> Option<&Handler> {
        if self.handlers.is_empty() {
            return None;
        }
        let exact = self.exact.get(&local.to_lowercase()).copied();
        let index = exact.or_else(|| {
            let mut wildcard = self.wildcard.iter().copied();
            wildcard.find(|index| {
                self.handlers
                    .get(*index)
                    .is_some_and(|handler| handler.pattern.matches(local))
            })
        })?;
        self.handlers.get(index)
    }
}
