//! Splits the input into command lines.

use bytes::{Buf as _, BytesMut};
use memchr::memchr;

/// Maximum length of a command line, with its end. RFC 2449 §4 allows 255; passwords and SASL responses
/// (RFC 5034 §4), such as tokens, may be longer.
pub(super) const LONGEST_LINE: usize = sasl::LINE_LIMIT;

/// Splits lines; drops the rest of a line that is too long.
#[derive(Debug, Default)]
pub(super) struct Lines {
    skipping: bool,
}

/// The start of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A line, without its end.
    Line(BytesMut),
    /// The end of a line that was too long.
    TooLong,
    /// An incomplete line.
    More,
}

impl Lines {
    pub(super) fn cut(&mut self, input: &mut BytesMut) -> Cut {
        let Some(end) = memchr(b'\n', input) else {
            if self.skipping || input.len() >= LONGEST_LINE {
                self.skipping = true;
                input.clear();
            }
            return Cut::More;
        };
        if std::mem::take(&mut self.skipping) || end >= LONGEST_LINE {
            input.advance(end + 1);
            return Cut::TooLong;
        }
        let mut line = input.split_to(end + 1);
        line.truncate(end);
        if line.last() == Some(&b'\r') {
            line.truncate(end - 1);
        }
        Cut::Line(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_skipped_in_bounded_memory() {
        let mut lines = Lines::default();
        let mut input = BytesMut::new();
        for _ in 0..100 {
            input.extend_from_slice(&[b'x'; 1000]);
            assert_eq!(lines.cut(&mut input), Cut::More);
            assert!(input.len() < LONGEST_LINE);
        }
        input.extend_from_slice(b"x\r\nNOOP\r\n");
        assert_eq!(lines.cut(&mut input), Cut::TooLong);
        assert_eq!(lines.cut(&mut input), Cut::Line("NOOP".into()));
    }
}
