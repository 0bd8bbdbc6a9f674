//! The name of a mailbox.

use crate::{Error, Result};

/// A path with `/` between its levels, in UTF-8. `INBOX`, alone or as the first level, is in upper case (RFC
/// 9051 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(String);

/// Maximum length in octets; it also keeps index entries within Postgres' limit.
const MAX_NAME: usize = 1000;
const MAX_LEVELS: usize = 50;

impl MailboxName {
    /// Parses a name. One trailing `/` is dropped: with it a client only announces mailboxes below this one
    /// (RFC 9051 §6.3.4).
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let reason = if text.is_empty() {
            Some("is empty")
        } else if text.len() > MAX_NAME {
            Some("is too long")
        } else if text.split('/').count() > MAX_LEVELS {
            Some("has too many levels")
        } else if text.split('/').any(str::is_empty) {
            Some("has an empty level")
        } else if text
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        {
            Some("has control characters") // RFC 5198 §2, which RFC 9051 §5.1 asks for.
        } else if text.contains(['%', '*']) {
            Some("has a wildcard") // LIST could not name it.
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(Error::Invalid(format!("the mailbox name {reason}")));
        }
        let (first, rest) = match text.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (text, None),
        };
        if !first.eq_ignore_ascii_case("INBOX") {
            return Ok(Self(text.to_owned()));
        }
        Ok(Self(match rest {
            None => "INBOX".to_owned(),
            Some(rest) => format!("INBOX/{rest}"),
        }))
    }

    /// INBOX.
    pub fn inbox() -> Self {
        Self("INBOX".to_owned())
    }

    /// Whether it is INBOX itself.
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its superiors, from the top.
    pub fn superiors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }

    /// Whether it is an inferior of the other.
    pub fn is_below(&self, other: &Self) -> bool {
        self.0
            .strip_prefix(&other.0)
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The name of this mailbox after `from`, itself or a superior, is renamed to `to`.
    pub fn renamed(&self, from: &Self, to: &Self) -> Option<Self> {
        let rest = self.0.strip_prefix(&from.0)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| Self(format!("{}{rest}", to.0)))
    }
}

impl std::fmt::Display for MailboxName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
