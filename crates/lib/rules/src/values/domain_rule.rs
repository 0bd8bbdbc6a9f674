//! What happens to the mail of a domain.

use std::collections::HashMap;
use std::sync::Arc;

use crate::values::address::EmailAddress;
use crate::values::domain::Domain;
use crate::values::gateway::Gateway;
use crate::values::pattern::Pattern;

/// What happens to the mail of a domain.
#[derive(Debug)]
pub struct DomainRule {
    /// The domain; `None` for the rule of the name `*`.
    pub name: Option<Domain>,
    /// Other names of the same domain.
    pub aliases: Vec<Domain>,
    /// Where its mail goes.
    pub deliver: Delivery,
    /// What happens to recipients that no handler and no mailbox matches.
    pub unmatched: Unmatched,
    /// Whether untrusted senders may reach it.
    pub open: bool,
    /// Its handlers in the document's order.
    pub handlers: Vec<Handler>,
    /// Line of the document where it begins.
    pub line: usize,
    /// How it is named in reasons.
    pub(crate) label: Arc<str>,
    /// Handlers without wildcards, by local part in lower case.
    pub(crate) exact: HashMap<String, usize>,
    /// The others, in order.
    pub(crate) wildcard: Vec<usize>,
}

/// Where the mail of a domain goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// To the mailboxes of the recipients.
    Mailboxes,
    /// All of it to the mailbox of one user.
    Mailbox(EmailAddress),
    /// To the servers that the DNS names for it.
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

/// What happens to recipients of a local domain that have no mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmatched {
    /// Refused at RCPT.
    Refuse,
    /// Accepted at RCPT, so that nobody learns who has a mailbox; returned to the sender if there
    /// is none when the message is delivered.
    Accept,
    /// Delivered to this user.
    CatchAll(EmailAddress),
}

/// What happens to mail for some local parts of a domain. Beats the domain's rule.
#[derive(Debug)]
pub struct Handler {
    /// The local parts it is for.
    pub pattern: Pattern,
    /// What happens.
    pub action: HandlerAction,
    /// Line of the document where it begins.
    pub line: usize,
    /// How it is named in reasons.
    pub(crate) label: Arc<str>,
}

/// What a handler does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerAction {
    /// Delivers to this user.
    Mailbox(EmailAddress),
    /// Accepts, and throws away.
    Discard,
    /// Refuses.
    Refuse,
}

impl DomainRule {
    /// The handler for a local part: the exact one, else the first wildcard that matches.
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
