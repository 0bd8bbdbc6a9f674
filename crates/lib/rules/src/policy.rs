//! The compiled policy.

mod compile;

use std::collections::HashMap;
use std::sync::Arc;

use crate::address::EmailAddress;
use crate::document::{
    CollectAccount, DeliverySettings, Document, Gateway, QuarantineSettings, Reader, ReceivingRules,
};
use crate::domain::Domain;
use crate::error::{PolicyError, PolicyErrors};
use crate::pattern::Pattern;
use crate::size::format_size;
use crate::trust::TrustPolicy;

/// Everything the administrator decided, ready to answer. Immutable; share it in an `Arc`.
#[derive(Debug)]
pub struct Policy {
    delivery: DeliverySettings,
    /// Where mail goes that no rule names, unless `everything_else` does.
    remote: Delivery,
    trust: Vec<TrustPolicy>,
    trusted: ReceivingRules,
    untrusted: ReceivingRules,
    quarantine: QuarantineSettings,
    gateways: HashMap<Arc<str>, Arc<Gateway>>,
    /// By name and by alias.
    domains: HashMap<Domain, Arc<DomainRule>>,
    /// In the document's order.
    rules: Vec<Arc<DomainRule>>,
    /// The rule of the name `*`.
    everything_else: Option<Arc<DomainRule>>,
    collect: Vec<Arc<CollectAccount>>,
    /// The user behind `[delivery] postmaster`, where it is one of ours.
    postmaster: Option<EmailAddress>,
}

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
    exact: HashMap<String, usize>,
    /// The others, in order.
    wildcard: Vec<usize>,
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

impl Policy {
    /// Octets of the longest document: room for many thousand domains, and each process holds it.
    pub const LONGEST_DOCUMENT: usize = 8 << 20;

    /// Reads, validates and compiles a document.
    pub fn parse(toml: &str) -> Result<Self, PolicyErrors> {
        if toml.len() > Self::LONGEST_DOCUMENT {
            return Err(PolicyErrors(vec![PolicyError {
                line: 1,
                reason: format!(
                    "the document has {} octets, a policy can have {} ({})",
                    toml.len(),
                    Self::LONGEST_DOCUMENT,
                    format_size(Self::LONGEST_DOCUMENT as u64)
                ),
            }]));
        }
        let reader = Reader::new(toml);
        let policy = Document::read(&reader).map(|document| compile::compile(document, &reader));
        reader.finish()?;
        // Without a document there was an error, and `finish` has returned it.
        policy.ok_or(PolicyErrors(Vec::new()))
    }

    /// The document of a new system: no domains, everything commented.
    pub fn default_document() -> &'static str {
        include_str!("default.toml")
    }

    /// The rules for sessions that are trusted, or not.
    pub fn receiving(&self, trusted: bool) -> &ReceivingRules {
        if trusted {
            &self.trusted
        } else {
            &self.untrusted
        }
    }

    /// How mail in quarantine is kept.
    pub fn quarantine(&self) -> &QuarantineSettings {
        &self.quarantine
    }

    /// How mail is delivered.
    pub fn delivery(&self) -> &DeliverySettings {
        &self.delivery
    }

    /// The gateway of a name.
    pub fn gateway(&self, name: &str) -> Option<&Arc<Gateway>> {
        self.gateways.get(name)
    }

    /// All gateways, in no order.
    pub fn gateways(&self) -> impl Iterator<Item = &Arc<Gateway>> {
        self.gateways.values()
    }

    /// The collection accounts that are switched on.
    pub fn collect_accounts(&self) -> &[Arc<CollectAccount>] {
        &self.collect
    }

    /// The domain rules in the document's order.
    pub fn domains(&self) -> &[Arc<DomainRule>] {
        &self.rules
    }

    /// The rule that names a domain, by name or alias. Never the rule `*`.
    pub fn domain(&self, domain: &Domain) -> Option<&Arc<DomainRule>> {
        self.domains.get(domain)
    }

    /// Whether a domain's mail stays in this system.
    pub fn is_local(&self, domain: &Domain) -> bool {
        self.domain(domain)
            .is_some_and(|rule| rule.deliver.is_local())
    }

    pub(crate) fn trust_policies(&self) -> &[TrustPolicy] {
        &self.trust
    }

    pub(crate) fn everything_else(&self) -> Option<&Arc<DomainRule>> {
        self.everything_else.as_ref()
    }

    pub(crate) fn remote(&self) -> &Delivery {
        &self.remote
    }

    /// The user who reads what is sent to `[delivery] postmaster`, where it is one of ours.
    pub fn postmaster(&self) -> Option<&EmailAddress> {
        self.postmaster.as_ref()
    }
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
