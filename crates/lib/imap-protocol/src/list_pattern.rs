//! Patterns of LIST and LSUB.

use crate::modified_utf7;

/// A pattern: `*` stands for anything, `%` for anything within one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPattern(String);

impl ListPattern {
    const LONGEST: usize = 1000;

    /// A pattern from text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if text.len() > Self::LONGEST {
            return None;
        }
        // INBOX is matched whatever its case (RFC 9051 §6.3.9.6).
        let text = if text.eq_ignore_ascii_case("INBOX") {
            "INBOX"
        } else {
            text
        };
        Some(Self(text.to_owned()))
    }

    /// A pattern from its wire form.
    #[must_use]
    pub fn from_wire(octets: &[u8], utf8: bool) -> Option<Self> {
        if utf8 || !octets.is_ascii() {
            Self::new(std::str::from_utf8(octets).ok()?)
        } else {
            Self::new(&modified_utf7::decode(octets)?)
        }
    }

    /// The wire form.
    #[must_use]
    pub fn to_wire(&self, utf8: bool) -> Vec<u8> {
        if utf8 {
            self.0.as_bytes().to_vec()
        } else {
            modified_utf7::encode(&self.0)
        }
    }

    /// The pattern behind a reference name: here, simply joined (RFC 9051 §6.3.9).
    #[must_use]
    pub fn behind(&self, reference: &str) -> Option<Self> {
        Self::new(&format!("{reference}{}", self.0))
    }

    /// Whether the pattern is the empty string, which asks for the separator alone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a name matches. Takes time in proportion to pattern × name at worst.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name = name.as_bytes();
        // reached[i]: the pattern so far matches the first i octets of the name.
        let mut reached = vec![false; name.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        for &wanted in self.0.as_bytes() {
            reached = advance(wanted, name, &reached);
        }
        reached.last().copied().unwrap_or(false)
    }
}

fn advance(wanted: u8, name: &[u8], before: &[bool]) -> Vec<bool> {
    let mut after = Vec::with_capacity(before.len());
    let mut previous = None;
    for (index, &here) in before.iter().enumerate() {
        let octet = index.checked_sub(1).and_then(|at| name.get(at));
        let matched = match (wanted, previous) {
            (b'*', _) => here || after.last() == Some(&true),
            (b'%', _) => here || (after.last() == Some(&true) && octet != Some(&b'/')),
            (_, None) => false,
            (_, Some(previous)) => previous && octet == Some(&wanted),
        };
        after.push(matched);
        previous = Some(here);
    }
    after
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failure here is the test's failure.

    use super::ListPattern;

    #[test]
    fn wildcards() {
        let rows = [
            ("*", "a/b", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("%/%", "a/b", true),
            ("a/*", "a", false),
            ("a*", "a/b/c", true),
            ("a%c", "abc", true),
            ("a%c", "a/c", false),
            ("*b*", "abc", true),
            ("INBOX", "INBOX", true),
            ("inbox", "INBOX", true),
            ("", "", true),
            ("", "a", false),
            ("a", "ab", false),
            ("日%", "日本", true),
        ];
        for (pattern, name, expected) in rows {
            let pattern = ListPattern::new(pattern).unwrap();
            assert_eq!(pattern.matches(name), expected, "{pattern:?} {name}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let pattern = ListPattern::new(&"*a".repeat(500)).unwrap();
        assert!(!pattern.matches(&"a".repeat(400)));
    }
}
