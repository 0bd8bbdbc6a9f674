//! Mailbox names.

use crate::modified_utf7;

/// A mailbox name: UTF-8, `/` between levels, INBOX always in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(String);

impl MailboxName {
    /// The separator of levels.
    pub const SEPARATOR: char = '/';
    const LONGEST: usize = 1000;

    /// A name from text. Control characters are invalid (RFC 9051 §5.1).
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if text.len() > Self::LONGEST || text.chars().any(char::is_control) {
            return None;
        }
        if text.eq_ignore_ascii_case("INBOX") {
            return Some(Self("INBOX".to_owned()));
        }
        Some(Self(text.to_owned()))
    }

    /// A name from its wire form.
    #[must_use]
    pub fn from_wire(octets: &[u8]) -> Option<Self> {
        Self::new(&modified_utf7::from_wire(octets)?)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The wire form: modified UTF-7.
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        modified_utf7::encode(&self.0)
    }

    /// The name for CREATE: a trailing separator announces children and is dropped (RFC 9051 §6.3.4).
    /// `None` if the name is invalid for a mailbox.
    #[must_use]
    pub fn for_creation(&self) -> Option<Self> {
        let name = self.0.strip_suffix(Self::SEPARATOR).unwrap_or(&self.0);
        let sound = !name.is_empty()
            && name.split(Self::SEPARATOR).all(|level| !level.is_empty())
            && !name.contains(['%', '*']);
        sound.then(|| Self::new(name))?
    }
}

impl std::fmt::Display for MailboxName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failure here is the test's failure.

    use super::MailboxName;

    #[test]
    fn inbox_has_one_spelling() {
        assert_eq!(MailboxName::new("inBox").unwrap().as_str(), "INBOX");
        assert_eq!(MailboxName::new("inBoxes").unwrap().as_str(), "inBoxes");
    }

    #[test]
    fn control_characters_are_refused() {
        assert!(MailboxName::new("a\nb").is_none());
        assert!(MailboxName::from_wire(b"&AAA-").is_none());
    }

    #[test]
    fn create_takes_a_trailing_separator_and_no_empty_levels() {
        let create = |name| MailboxName::new(name).unwrap().for_creation();
        assert_eq!(create("a/b/").unwrap().as_str(), "a/b");
        assert!(create("").is_none());
        assert!(create("/a").is_none());
        assert!(create("a//b").is_none());
        assert!(create("a*").is_none());
    }
}
