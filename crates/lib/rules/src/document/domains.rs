//! `[[domain]]` and `[[domain.handler]]`.

use crate::document::choice::{Choice, Choices};
use crate::document::read::{Keys, Located, Section};
use crate::values::address::EmailAddress;
use crate::values::delivery::Remote;
use crate::values::domain::Domain;
use crate::values::pattern::Pattern;

/// A domain rule as written; `name` is `None` for `*`.
pub(crate) struct DomainSection {
    pub(crate) name: Option<Domain>,
    pub(crate) aliases: Vec<Located<Domain>>,
    pub(crate) deliver: Located<Deliver>,
    pub(crate) unmatched: Option<Located<UnmatchedWord>>,
    pub(crate) from: Option<Located<From>>,
    pub(crate) handlers: Vec<HandlerSection>,
    pub(crate) line: usize,
}

pub(crate) enum Deliver {
    Mailboxes,
    Mailbox(MailboxName),
    Remote(Remote),
}

pub(crate) enum UnmatchedWord {
    Refuse,
    Accept,
    CatchAll(MailboxName),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Everyone,
    Trusted,
}

/// A mailbox named in a rule: a local part of the rule's own domain, or a full address.
#[derive(Clone)]
pub(crate) struct MailboxName(pub(crate) String);

impl MailboxName {
    /// The named user, relative to a domain.
    pub(crate) fn user(&self, domain: Option<&Domain>) -> Result<EmailAddress, String> {
        let name = &self.0;
        let user = match domain {
            Some(domain) if !name.contains('@') => EmailAddress::new(name, domain.clone()),
            None if !name.contains('@') => {
                return Err(format!(
                    "the mailbox \"{name}\" needs its domain here, such as {name}@example.test"
                ));
            }
            _ => EmailAddress::parse(name),
        };
        match user {
            Ok(user) if user.domain().is_some() => Ok(user.folded()),
            Ok(_) => Err(format!("\"{name}\" is not a mailbox of a domain")),
            Err(reason) => Err(format!("\"{name}\" is not a mailbox: {reason}")),
        }
    }
}

pub(crate) struct HandlerSection {
    pub(crate) pattern: Pattern,
    pub(crate) deliver: HandlerDeliver,
    pub(crate) line: usize,
}

pub(crate) enum HandlerDeliver {
    Mailbox(MailboxName),
    Discard,
    Refuse,
}

const KEYS: Keys = Keys {
    known: &["name", "aliases", "deliver", "unmatched", "from", "handler"],
    planned: &["max-size", "limits", "dkim"],
};

const HANDLER: Keys = Keys {
    known: &["match", "deliver"],
    planned: &[
        "copies",
        "forward",
        "list",
        "auto-reply",
        "max-size",
        "block-attachments",
    ],
};

const DELIVER: Choices = Choices {
    words: &["mailboxes", "direct"],
    keys: &["mailbox", "gateway"],
    planned: &[],
    listed: "\"mailboxes\", { mailbox = \"NAME\" }, \"direct\" or { gateway = \"NAME\" }",
};

const UNMATCHED: Choices = Choices {
    words: &["refuse", "accept"],
    keys: &["catch-all"],
    planned: &[],
    listed: "\"refuse\", \"accept\" or { catch-all = \"NAME\" }",
};

const HANDLER_DELIVER: Choices = Choices {
    words: &["discard", "refuse"],
    keys: &["mailbox"],
    planned: &[
        "direct",
        "gateway",
        "address",
        "addresses",
        "forward",
        "list",
        "auto-reply",
        "copies",
    ],
    listed: "{ mailbox = \"NAME\" }, \"discard\" or \"refuse\"",
};

impl DomainSection {
    pub(crate) fn read_all(top: &Section<'_, '_>) -> Vec<Self> {
        top.sections("domain", "[[domain]]", &KEYS)
            .iter()
            .filter_map(Self::read)
            .collect()
    }

    fn read(section: &Section<'_, '_>) -> Option<Self> {
        section.missing("name", "\"example.test\"");
        section.missing("deliver", "\"mailboxes\"");
        let name = section.parsed("name", domain_name);
        let aliases = section.list("aliases", |text| {
            domain_name(text)?.ok_or("an alias cannot be `*`")
        });
        let located = |key, value| Located {
            value,
            line: section.line_of(key),
        };
        let deliver = section.choice("deliver", &DELIVER).map(|choice| {
            let deliver = match choice {
                Choice::Word("mailboxes") => Deliver::Mailboxes,
                Choice::Keyed("mailbox", name) => Deliver::Mailbox(MailboxName(name.to_owned())),
                Choice::Keyed(_, name) => Deliver::Remote(Remote::Gateway(name.to_owned())),
                Choice::Word(_) => Deliver::Remote(Remote::Direct),
            };
            located("deliver", deliver)
        });
        let unmatched = section.choice("unmatched", &UNMATCHED).map(|choice| {
            let word = match choice {
                Choice::Keyed(_, name) => UnmatchedWord::CatchAll(MailboxName(name.to_owned())),
                Choice::Word("accept") => UnmatchedWord::Accept,
                Choice::Word(_) => UnmatchedWord::Refuse,
            };
            Located {
                value: word,
                line: section.line_of("unmatched"),
            }
        });
        let from = section.parsed("from", |text| match text {
            "everyone" => Ok(From::Everyone),
            "trusted" => Ok(From::Trusted),
            _ => Err("it can be \"everyone\" or \"trusted\""),
        });
        let handlers = section
            .sections("handler", "[[domain.handler]]", &HANDLER)
            .iter()
            .filter_map(HandlerSection::read)
            .collect();
        Some(Self {
            name: name?,
            aliases,
            deliver: deliver?,
            unmatched,
            from: from.map(|value| Located {
                value,
                line: section.line_of("from"),
            }),
            handlers,
            line: section.line(),
        })
    }
}

/// `None` is `*`.
fn domain_name(text: &str) -> Result<Option<Domain>, &'static str> {
    if text == "*" {
        return Ok(None);
    }
    if text.contains(['*', '?']) {
        return Err("wildcards in domain names are not supported yet, except `*` alone");
    }
    Domain::parse(text).map(Some).map_err(|error| error.0)
}

impl HandlerSection {
    fn read(section: &Section<'_, '_>) -> Option<Self> {
        section.missing("match", "\"sales-*\"");
        section.missing("deliver", "{ mailbox = \"eve\" }");
        let pattern = section.parsed("match", |text| match text {
            text if text.contains('@') => {
                Err("write the part before the `@` alone: the domain is that of the rule")
            }
            text => Ok(Pattern::new(text)),
        });
        let deliver = match section.choice("deliver", &HANDLER_DELIVER)? {
            Choice::Keyed(_, name) => HandlerDeliver::Mailbox(MailboxName(name.to_owned())),
            Choice::Word("discard") => HandlerDeliver::Discard,
            Choice::Word(_) => HandlerDeliver::Refuse,
        };
        Some(Self {
            pattern: pattern?,
            deliver,
            line: section.line(),
        })
    }
}
