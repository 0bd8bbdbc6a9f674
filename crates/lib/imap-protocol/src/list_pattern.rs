//! Patterns of LIST and LSUB.

use crate::modified_utf7;

/// A pattern: `*` matches anything, `%` anything within one level.
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
        // INBOX matches in any case (RFC 9051 §6.3.9.6).
        let text = if text.eq_ignore_ascii_case("INBOX") {
            "INBOX"
        } else {
            text
        };
        Some(Self(text.to_owned()))
    }

    /// A pattern from its wire form.
    #[must_use]
    pub fn from_wire(octets: &[u8]) -> Option<Self> {
        Self::new(&modified_utf7::from_wire(octets)?)
    }

    /// The wire form.
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        modified_utf7::encode(&self.0)
    }

    /// The pattern after a reference name: simply joined (RFC 9051 §6.3.9).
    #[must_use]
    pub fn behind(&self, reference: &str) -> Option<Self> {
        Self::new(&format!("{reference}{}", self.0))
    }

    /// Whether the pattern is the empty string, which requests only the separator.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its length in octets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a name may represent its children: LSUB's `%` (RFC 3501 §6.3.9).
    #[must_use]
    pub fn stops_at_a_level(&self) -> bool {
        self.0.contains('%')
    }

    /// Whether a name matches. The time is at most proportional to pattern × name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name = name.as_bytes();
        // reached[i]: the pattern so far matches the first i octets of the name.
        let mut reached = vec![false; name.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        for &wanted in self.0.as_bytes() {
            if !advance(wanted, name, &mut reached) {
                return false;
            }
        }
        reached.last().copied().unwrap_or(false)
    }
}

/// Advances by one octet of the pattern, in place. False if nothing can match any more.
fn advance(wanted: u8, name: &[u8], reached: &mut [bool]) -> bool {
    // The old and the new value of the previous position.
    let (mut before, mut after) = (false, false);
    let mut any = false;
    for (index, here) in reached.iter_mut().enumerate() {
        let octet = index.checked_sub(1).and_then(|at| name.get(at));
        let matched = match wanted {
            b'*' => *here || after,
            b'%' => *here || (after && octet != Some(&b'/')),
            _ => before && octet == Some(&wanted),
        };
        before = std::mem::replace(here, matched);
        after = matched;
        any |= matched;
    }
    any
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
