//! The marker at the end of a line that announces a literal.

use crate::cursor::parse_digits;

/// The content of the marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) size: u64,
    /// The client waits for a continuation; with `+` it does not (RFC 7888).
    pub(super) synchronizing: bool,
    /// Octets of the marker, with the line break.
    pub(super) mark: usize,
}

impl Literal {
    /// `["~"] "{" number ["+"] "}" CRLF` at the end of a line.
    pub(super) fn announced_by(line: &[u8]) -> Option<Self> {
        let text = without_line_break(line);
        let inside = text.strip_suffix(b"}")?;
        let open = memchr::memrchr(b'{', inside)?;
        let (digits, synchronizing) = match inside.get(open + 1..)? {
            [digits @ .., b'+'] => (digits, false),
            digits => (digits, true),
        };
        let size = parse_digits(digits)?;
        // literal8: the tilde is part of the marker.
        let binary = open
            .checked_sub(1)
            .is_some_and(|before| inside.get(before) == Some(&b'~'));
        Some(Self {
            size,
            synchronizing,
            mark: line.len() - open + usize::from(binary),
        })
    }
}

/// The line without CR LF, or without a bare LF, which is accepted.
pub(super) fn without_line_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
