//! Wildcard patterns over names.

use std::fmt;

use serde::{Serialize, Serializer};

/// A text in which `*` stands for any characters and `?` for one; matching ignores case.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pattern(String);

impl Pattern {
    /// Takes a pattern as written.
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Whether it contains neither `*` nor `?`, and so matches one text.
    pub fn is_exact(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Whether it matches any domain name: `*`, `*.*`, `*.?*`.
    pub fn is_everything(&self) -> bool {
        self.0.contains('*') && self.0.chars().all(|c| matches!(c, '*' | '?' | '.'))
    }

    /// The pattern in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.matches_lower(&text.to_lowercase())
    }

    /// The same for a text already in lower case.
    pub(crate) fn matches_lower(&self, text: &str) -> bool {
        // Most patterns of file names match the end of a name.
        match self.0.strip_prefix('*') {
            Some(end) if !end.contains(['*', '?']) => text.ends_with(end),
            _ => matches_folded(&self.0, text),
        }
    }
}

/// Backtracks only to the last `*`: no pattern takes exponential time.
fn matches_folded(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
