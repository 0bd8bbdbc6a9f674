//! Splits octets into command lines, in bounded memory.

use bytes::{Buf, BytesMut};
use memchr::memchr;

/// The start of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line of this many octets, with its CRLF.
    Complete(usize),
    /// A line of this many octets with a bare LF: it is invalid (RFC 5321 §2.3.8), and is answered with an
    /// error so that the client does not wait for ever.
    BareLineFeed(usize),
    /// A line above the limit has been skipped.
    TooLong,
    /// The line is incomplete.
    NeedInput,
}

/// Finds the ends of lines; remembers the scanned position.
#[derive(Debug, Default)]
pub(super) struct Lines {
    searched: usize,
    skipping: bool,
}

impl Lines {
    /// Examines the buffer's first line. `limit` gives its maximum length, from the part received so far.
    pub(super) fn next(&mut self, input: &mut BytesMut, limit: impl Fn(&[u8]) -> usize) -> Line {
        let unseen = input.get(self.searched..).unwrap_or_default();
        let Some(found) = memchr(b'\n', unseen) else {
            self.searched = input.len();
            if self.skipping || input.len() >= limit(input) {
                self.skipping = true;
                self.searched = 0;
                input.clear();
            }
            return Line::NeedInput;
        };
        let length = self.searched + found + 1;
        self.searched = 0;
        if self.skipping || length > limit(&input[..length]) {
            self.skipping = false;
            input.advance(length);
            return Line::TooLong;
        }
        if input[..length].ends_with(b"\r\n") {
            Line::Complete(length)
        } else {
            Line::BareLineFeed(length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(lines: &mut Lines, input: &mut BytesMut) -> Line {
        lines.next(input, |_| 8)
    }

    #[test]
    fn a_line_is_found_when_its_end_has_come() {
        let mut lines = Lines::default();
        let mut input = BytesMut::from("NOO");
        assert_eq!(next(&mut lines, &mut input), Line::NeedInput);
        input.extend_from_slice(b"P\r");
        assert_eq!(next(&mut lines, &mut input), Line::NeedInput);
        input.extend_from_slice(b"\nX");
        assert_eq!(next(&mut lines, &mut input), Line::Complete(6));
    }

    #[test]
    fn a_long_line_is_skipped_to_its_end_and_not_kept() {
        let mut lines = Lines::default();
        let mut input = BytesMut::new();
        for _ in 0..1000 {
            input.extend_from_slice(b"xxxxxxxxxx");
            assert_eq!(next(&mut lines, &mut input), Line::NeedInput);
            assert!(input.is_empty());
        }
        input.extend_from_slice(b"x\r\nNOOP\r\n");
        assert_eq!(next(&mut lines, &mut input), Line::TooLong);
        assert_eq!(next(&mut lines, &mut input), Line::Complete(6));
    }

    #[test]
    fn a_bare_line_feed_does_not_end_a_line_unnoticed() {
        let mut input = BytesMut::from("NOOP\nX");
        assert_eq!(
            next(&mut Lines::default(), &mut input),
            Line::BareLineFeed(5)
        );
    }
}
