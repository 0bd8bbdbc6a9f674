//! Domains and the routes of their mail.

mod new;

use rules::{Delivery, Domain, DomainRule, HandlerAction, Policy};
use serde::Serialize;

use crate::policy::document::{add_domain, remove_domain};
use crate::policy::revision;
use crate::{Administration, Error};
pub use new::{Deliver, NewDomain, OpenTo, Unmatched};

/// A domain that was added.
#[derive(Debug, Serialize)]
pub struct DomainAdded {
    /// Its name, or `*`.
    pub added: String,
    /// The revision of the policy with the new domain.
    pub revision: u64,
}

/// Adds a domain rule.
///
/// # Errors
/// If a rule already names the domain, or the policy would be invalid; nothing is changed then.
pub async fn add(administration: &Administration, new: &NewDomain) -> Result<DomainAdded, Error> {
    let added = shown(new.name.as_ref());
    let comment = format!("domain add {added}");
    let change = |document: &str| add_domain(document, new);
    let made = revision::edit(administration, &comment, false, change).await?;
    Ok(DomainAdded {
        added,
        revision: made.revision,
    })
}

/// A domain that was removed.
#[derive(Debug, Serialize)]
pub struct DomainRemoved {
    /// Its name, or `*`.
    pub removed: String,
    /// The revision of the policy without the domain.
    pub revision: u64,
}

/// Removes the rule of a domain (`None` is `*`). Its users and their mail stay.
///
/// # Errors
/// If no rule has this name, or its dependents were not confirmed; nothing is changed then.
pub async fn remove(
    administration: &Administration,
    name: Option<&Domain>,
    confirmed: bool,
) -> Result<DomainRemoved, Error> {
    let removed = shown(name);
    let comment = format!("domain remove {removed}");
    let change = |document: &str| remove_domain(document, name);
    let made = revision::edit(administration, &comment, confirmed, change).await?;
    Ok(DomainRemoved {
        removed,
        revision: made.revision,
    })
}

fn shown(name: Option<&Domain>) -> String {
    name.map_or("*".to_owned(), ToString::to_string)
}

/// A domain rule of the policy.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The domain, or `*`.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<Domain>,
    /// The route of its mail: `mailboxes`, `mailbox NAME`, `direct` or `gateway NAME`.
    pub deliver: String,
    /// Who may send to it: `everyone` or `trusted`.
    pub open_to: &'static str,
    /// The action for recipients without a mailbox: `refuse`, `accept` or `mailbox NAME`; none if the
    /// domain has no mailboxes.
    pub unmatched: Option<String>,
    /// In the order of the document.
    pub handlers: Vec<Handler>,
    /// First line in the policy document.
    pub line: usize,
}

/// A handler for some addresses of a domain.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Handler {
    /// The matching local parts.
    pub r#match: String,
    /// `mailbox NAME`, `discard` or `refuse`.
    pub deliver: String,
}

/// The domain rules of the policy in force.
///
/// # Errors
/// If the policy cannot be read.
pub async fn list(administration: &Administration) -> Result<Vec<Rule>, Error> {
    let (_, policy) = revision::newest_policy(administration.system()).await?;
    Ok(rules(&policy))
}

/// The domain rules of a policy, in its order.
pub fn rules(policy: &Policy) -> Vec<Rule> {
    policy
        .domains()
        .iter()
        .map(|rule| Rule::from(&**rule))
        .collect()
}

impl From<&DomainRule> for Rule {
    fn from(rule: &DomainRule) -> Self {
        let handlers = rule.handlers.iter().map(|handler| Handler {
            r#match: handler.pattern.to_string(),
            deliver: match &handler.action {
                HandlerAction::Mailbox(user) => format!("mailbox {user}"),
                HandlerAction::Discard => "discard".to_owned(),
                HandlerAction::Refuse => "refuse".to_owned(),
            },
        });
        Self {
            name: shown(rule.name.as_ref()),
            aliases: rule.aliases.clone(),
            deliver: match &rule.deliver {
                Delivery::Mailboxes => "mailboxes".to_owned(),
                Delivery::Mailbox(user) => format!("mailbox {user}"),
                Delivery::Direct => "direct".to_owned(),
                Delivery::Gateway(gateway) => format!("gateway {}", gateway.name),
            },
            open_to: if rule.open { "everyone" } else { "trusted" },
            unmatched: match (&rule.deliver, &rule.unmatched) {
                (Delivery::Mailboxes, rules::Unmatched::Refuse) => Some("refuse".to_owned()),
                (Delivery::Mailboxes, rules::Unmatched::Accept) => Some("accept".to_owned()),
                (Delivery::Mailboxes, rules::Unmatched::CatchAll(user)) => {
                    Some(format!("mailbox {user}"))
                }
                _ => None,
            },
            handlers: handlers.collect(),
            line: rule.line,
        }
    }
}

/// The state of a domain in the policy in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A rule handles it, or the policy cannot be read: then nothing is known against the domain.
    Handled,
    /// It is an alias of this domain, which has the users.
    AliasOf(String),
    /// No rule handles it.
    Unknown,
}

/// Looks up a domain in the policy in force.
pub async fn standing(administration: &Administration, domain: &Domain) -> Standing {
    let Ok((_, policy)) = revision::newest_policy(administration.system()).await else {
        return Standing::Handled;
    };
    match policy.domain(domain).map(|rule| &rule.name) {
        Some(Some(name)) if name != domain => Standing::AliasOf(name.to_string()),
        Some(_) => Standing::Handled,
        None => Standing::Unknown,
    }
}
