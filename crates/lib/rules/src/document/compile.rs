//! From a document to a policy; checks relations between sections.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::document::domains::{
    Deliver, DomainSection, From, HandlerDeliver, HandlerSection, MailboxName, UnmatchedWord,
};
use crate::document::read::{Located, Reader};
use crate::document::sections::Document;
use crate::values::address::EmailAddress;
use crate::values::collect::CollectAccount;
use crate::values::delivery::Remote;
use crate::values::domain::Domain;
use crate::values::domain_rule::{Delivery, DomainRule, Handler, HandlerAction, Unmatched};
use crate::values::gateway::Gateway;
use crate::values::policy::Policy;

type Gateways = HashMap<Arc<str>, Arc<Gateway>>;

/// Compiles a document. Errors are reported to `reader` and void the result.
pub(super) fn compile(document: Document, reader: &Reader<'_>) -> Policy {
    let gateways = gateways(&document, reader);
    let collect = collect(&document, reader);
    let remote = remote(&document.delivery.remote, &gateways, reader);
    let mut policy = Policy {
        delivery: document.delivery.settings,
        remote,
        trust: document.trust.into_iter().map(|t| t.policy).collect(),
        trusted: document.receiving.trusted,
        untrusted: document.receiving.untrusted,
        quarantine: document.quarantine,
        gateways,
        domains: HashMap::with_capacity(document.domains.len()),
        rules: Vec::with_capacity(document.domains.len()),
        everything_else: None,
        collect,
        postmaster: None,
    };
    let mut lines = HashMap::new();
    for section in document.domains {
        add_domain(&mut policy, &mut lines, section, reader);
    }
    policy.postmaster = postmaster(&policy);
    policy
}

fn gateways(document: &Document, reader: &Reader<'_>) -> Gateways {
    let mut gateways = Gateways::new();
    for section in &document.gateways {
        let gateway = Arc::new(section.gateway.clone());
        let name = gateway.name.clone();
        if gateways.insert(name.clone(), gateway).is_some() {
            let reason = format!("there are two gateways of the name \"{name}\"");
            reader.refuse(section.line, reason);
        }
    }
    gateways
}

fn collect(document: &Document, reader: &Reader<'_>) -> Vec<Arc<CollectAccount>> {
    let mut accounts: Vec<Arc<CollectAccount>> = Vec::new();
    for section in &document.collect {
        let account = &section.account;
        if accounts.iter().any(|other| other.name == account.name) {
            let name = &account.name;
            let reason = format!("there are two collection accounts of the name \"{name}\"");
            reader.refuse(section.line, reason);
        }
        accounts.push(Arc::new(account.clone()));
    }
    accounts
}

fn remote(remote: &Located<Remote>, gateways: &Gateways, reader: &Reader<'_>) -> Delivery {
    match &remote.value {
        Remote::Direct => Delivery::Direct,
        Remote::Gateway(name) => match gateways.get(name.as_str()) {
            Some(gateway) => Delivery::Gateway(gateway.clone()),
            None => {
                let reason = format!("there is no [[gateway]] of the name \"{name}\"");
                reader.refuse(remote.line, reason);
                Delivery::Direct
            }
        },
    }
}

fn add_domain(
    policy: &mut Policy,
    lines: &mut HashMap<Domain, usize>,
    section: DomainSection,
    reader: &Reader<'_>,
) {
    check_reach(&section, reader);
    let first_line = section.line;
    let aliases: Vec<_> = section.aliases.clone();
    let rule = Arc::new(compile_rule(section, &policy.gateways, reader));
    match &rule.name {
        None if policy.everything_else.is_some() => {
            reader.refuse(first_line, "there are two domain rules of the name \"*\"");
        }
        None => policy.everything_else = Some(rule.clone()),
        Some(name) => {
            let own = std::iter::once((name, first_line));
            let others = aliases.iter().map(|alias| (&alias.value, alias.line));
            for (domain, line) in own.chain(others) {
                match lines.entry(domain.clone()) {
                    Entry::Occupied(first) => {
                        let first = first.get();
                        let reason =
                            format!("the domain {domain} is named before, in line {first}");
                        reader.refuse(line, reason);
                    }
                    Entry::Vacant(entry) => {
                        entry.insert(line);
                        policy.domains.insert(domain.clone(), rule.clone());
                    }
                }
            }
        }
    }
    policy.rules.push(rule);
}

/// The reach of a domain, and consistency of its section: the basis of invariant I9.
fn check_reach(section: &DomainSection, reader: &Reader<'_>) {
    let local = !matches!(section.deliver.value, Deliver::Remote(_));
    match (&section.name, &section.from) {
        (None, Some(from)) if from.value == From::Everyone => reader.refuse(
            from.line,
            "the rule \"*\" is for trusted senders only: open to everyone it would be an open relay",
        ),
        (Some(_), Some(from)) if local => reader.refuse(
            from.line,
            "a domain that is delivered here is open to everyone; leave `from` out",
        ),
        (Some(_), None) if !local => reader.refuse(
            section.deliver.line,
            "a domain that is delivered elsewhere needs `from = \"everyone\"` (a backup relay) \
             or `from = \"trusted\"`",
        ),
        _ => {}
    }
    if section.name.is_none() {
        if matches!(section.deliver.value, Deliver::Mailboxes) {
            reader.refuse(
                section.deliver.line,
                "the rule \"*\" has no mailboxes of its own; name one by { mailbox = \"…\" }",
            );
        }
        if let Some(alias) = section.aliases.first() {
            reader.refuse(alias.line, "the rule \"*\" cannot have aliases");
        }
        if let Some(handler) = section.handlers.first() {
            reader.refuse(handler.line, "the rule \"*\" cannot have handlers");
        }
    }
    if let Some(unmatched) = &section.unmatched
        && !matches!(section.deliver.value, Deliver::Mailboxes)
    {
        reader.refuse(
            unmatched.line,
            "`unmatched` is for domains with `deliver = \"mailboxes\"`: \
             here every recipient matches",
        );
    }
}

fn compile_rule(section: DomainSection, gateways: &Gateways, reader: &Reader<'_>) -> DomainRule {
    let name = section.name;
    let domain = name.as_ref();
    let label: Arc<str> = match domain {
        Some(domain) => format!("domain rule {domain}").into(),
        None => "domain rule *".into(),
    };
    let deliver_line = section.deliver.line;
    let deliver = match section.deliver.value {
        Deliver::Mailboxes => Delivery::Mailboxes,
        Deliver::Mailbox(mailbox) => user(&mailbox, domain, deliver_line, reader)
            .map_or(Delivery::Mailboxes, Delivery::Mailbox),
        Deliver::Remote(value) => {
            let line = deliver_line;
            remote(&Located { value, line }, gateways, reader)
        }
    };
    let unmatched = match section.unmatched {
        Some(Located { value, line }) => match value {
            UnmatchedWord::Refuse => Unmatched::Refuse,
            UnmatchedWord::Accept => Unmatched::Accept,
            UnmatchedWord::CatchAll(mailbox) => {
                user(&mailbox, domain, line, reader).map_or(Unmatched::Refuse, Unmatched::CatchAll)
            }
        },
        None => Unmatched::Refuse,
    };
    let everyone = section
        .from
        .is_some_and(|from| from.value == From::Everyone);
    let mut rule = DomainRule {
        open: domain.is_some() && (deliver.is_local() || everyone),
        aliases: section.aliases.into_iter().map(|a| a.value).collect(),
        deliver,
        unmatched,
        handlers: Vec::with_capacity(section.handlers.len()),
        line: section.line,
        label,
        exact: HashMap::new(),
        wildcard: Vec::new(),
        name,
    };
    for handler in section.handlers {
        add_handler(&mut rule, handler, reader);
    }
    rule
}

fn add_handler(rule: &mut DomainRule, section: HandlerSection, reader: &Reader<'_>) {
    let HandlerSection {
        pattern,
        deliver,
        line,
    } = section;
    let index = rule.handlers.len();
    if pattern.is_exact() {
        let local = pattern.as_str().to_owned();
        if rule.exact.insert(local, index).is_some() {
            let reason = format!("there are two handlers for \"{pattern}\" in this domain");
            reader.refuse(line, reason);
        }
    } else {
        rule.wildcard.push(index);
    }
    let action = match deliver {
        HandlerDeliver::Mailbox(mailbox) => user(&mailbox, rule.name.as_ref(), line, reader)
            .map_or(HandlerAction::Refuse, HandlerAction::Mailbox),
        HandlerDeliver::Discard => HandlerAction::Discard,
        HandlerDeliver::Refuse => HandlerAction::Refuse,
    };
    let label = format!("{}, handler {pattern}", rule.label).into();
    rule.handlers.push(Handler {
        pattern,
        action,
        line,
        label,
    });
}

fn user(
    mailbox: &MailboxName,
    domain: Option<&Domain>,
    line: usize,
    reader: &Reader<'_>,
) -> Option<EmailAddress> {
    match mailbox.user(domain) {
        Ok(user) => Some(user),
        Err(reason) => {
            reader.refuse(line, reason);
            None
        }
    }
}

/// The user who receives the mail of `[delivery] postmaster`, if it is one of ours.
/// of ours.
fn postmaster(policy: &Policy) -> Option<EmailAddress> {
    let address = policy.delivery.postmaster.as_ref()?;
    let rule = policy.domain(address.domain()?)?;
    match rule.handler(address.local()).map(|handler| &handler.action) {
        Some(HandlerAction::Mailbox(user)) => return Some(user.clone()),
        Some(_) => return None,
        None => {}
    }
    match &rule.deliver {
        Delivery::Mailboxes => Some(address.folded_at(rule.name.as_ref()?)),
        Delivery::Mailbox(user) => Some(user.clone()),
        Delivery::Direct | Delivery::Gateway(_) => None,
    }
}
