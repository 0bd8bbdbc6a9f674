//! Keywords: flags defined by clients.

use crate::{Error, Result};

/// Maximum number of keywords on one message.
pub const MAX_KEYWORDS: usize = 100;
/// Maximum length of a keyword, in octets.
const MAX_KEYWORD: usize = 100;

/// Keywords of a request: IMAP atoms without duplicates, compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keywords(Vec<String>);

impl Keywords {
    /// Parses the keywords of a request.
    pub fn parse(names: &[String]) -> Result<Self> {
        let mut keywords: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            if !is_keyword(name) {
                return Err(Error::Invalid(format!("not a keyword: {name:?}")));
            }
            if !keywords
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                keywords.push(name.clone());
            }
        }
        if keywords.len() > MAX_KEYWORDS {
            return Err(Error::Exhausted("too many keywords on one message".into()));
        }
        Ok(Self(keywords))
    }

    /// Keywords of stored messages, which were parsed when they were set.
    pub fn of_messages(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keywords known to `known`, in its spelling, and the new ones.
    pub fn spelled_as(self, known: &[String]) -> (Vec<String>, Vec<String>) {
        let mut new = Vec::new();
        let spelled = self
            .0
            .into_iter()
            .map(|name| {
                if let Some(as_known) = known.iter().find(|k| k.eq_ignore_ascii_case(&name)) {
                    return as_known.clone();
                }
                new.push(name.clone());
                name
            })
            .collect();
        (spelled, new)
    }
}

/// `flag-keyword` of RFC 9051 §9: an atom, without a leading backslash.
fn is_keyword(name: &str) -> bool {
    (1..=MAX_KEYWORD).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b))
}
