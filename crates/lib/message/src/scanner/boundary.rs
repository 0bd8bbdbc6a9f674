//! The boundaries a line can match (RFC 2046 §5.1.1).

/// Longer ones (70 is the rule) are never matched.
const MAX_BOUNDARY: usize = 250;

/// A multipart whose parts are looked for.
#[derive(Debug)]
struct Boundary {
    text: Vec<u8>,
    /// Its place in the stack of open parts.
    depth: usize,
}

/// Boundaries that are in force, outermost first.
#[derive(Debug, Default)]
pub(super) struct Boundaries {
    open: Vec<Boundary>,
}

/// A line that is a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// The multipart's place in the stack of open parts.
    pub(super) depth: usize,
    /// It is the one behind the last part.
    pub(super) closes: bool,
}

impl Boundaries {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }

    pub(super) fn add(&mut self, text: &[u8], depth: usize) {
        if text.len() <= MAX_BOUNDARY {
            self.open.push(Boundary {
                text: text.to_vec(),
                depth,
            });
        }
    }

    /// Forgets those of parts at `depth` and deeper.
    pub(super) fn drop_from(&mut self, depth: usize) {
        while self.open.last().is_some_and(|open| open.depth >= depth) {
            self.open.pop();
        }
    }

    /// Matches a line without its line break, innermost boundary first: a part whose terminal
    /// boundary is missing ends where an outer one does.
    pub(super) fn matches(&self, line: &[u8]) -> Option<Hit> {
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
}
