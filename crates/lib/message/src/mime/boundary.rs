//! Boundaries, and the lines that match them (RFC 2046 §5.1.1).

/// Longer ones (the standard allows 70) are never matched.
const MAX_BOUNDARY: usize = 250;

/// A multipart with a boundary.
#[derive(Debug)]
struct Boundary {
    text: Vec<u8>,
    /// Its index in the stack of open parts.
    depth: usize,
}

/// The active boundaries, outermost first.
#[derive(Debug, Default)]
pub(crate) struct Boundaries {
    open: Vec<Boundary>,
}

/// A boundary line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The index of the multipart in the stack of open parts.
    pub(crate) depth: usize,
    /// It is the closing delimiter.
    pub(crate) closes: bool,
}

impl Boundaries {
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// Whether lines can be matched with this boundary.
    pub(crate) fn takes(text: &[u8]) -> bool {
        text.len() <= MAX_BOUNDARY
    }

    pub(crate) fn add(&mut self, text: &[u8], depth: usize) {
        if Self::takes(text) {
            self.open.push(Boundary {
                text: text.to_vec(),
                depth,
            });
        }
    }

    /// Drops the boundaries of parts at `depth` and deeper.
    pub(crate) fn drop_from(&mut self, depth: usize) {
        while self.open.last().is_some_and(|open| open.depth >= depth) {
            self.open.pop();
        }
    }

    /// Matches a line without its line break, innermost boundary first: a part without a closing delimiter
    /// ends at an outer one.
    pub(crate) fn matches(&self, line: &[u8]) -> Option<Hit> {
        let rest = line.strip_prefix(b"--")?.trim_ascii_end();
        self.open.iter().rev().find_map(|open| {
            let closes = match rest.strip_prefix(open.text.as_slice())? {
                b"" => false,
                b"--" => true,
                _ => return None,
            };
            Some(Hit {
                depth: open.depth,
                closes,
            })
        })
    }

    /// Whether a line with this start can match.
    pub(crate) fn may_match(&self, start: &[u8]) -> bool {
        let Some(rest) = start.strip_prefix(b"--") else {
            return b"--".starts_with(start);
        };
        self.open.iter().any(|open| {
            let Some(after) = rest.strip_prefix(open.text.as_slice()) else {
                return open.text.starts_with(rest);
            };
            let after = after.strip_prefix(b"--").unwrap_or(after);
            after == b"-" || after.iter().all(u8::is_ascii_whitespace)
        })
    }
}
