//! TOP (RFC 1939 §7): the header, the empty line, and some lines of the text.

use memchr::memchr_iter;

/// Counts the lines of a text in pieces.
#[derive(Debug)]
pub struct Top {
    left: u64,
}

impl Top {
    /// For this number of lines.
    pub fn new(lines: u64) -> Self {
        Self { left: lines }
    }

    /// The requested part of this piece of the text.
    pub fn push<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        if self.left == 0 {
            return &[];
        }
        for end in memchr_iter(b'\n', piece) {
            self.left -= 1;
            if self.left == 0 {
                return &piece[..=end];
            }
        }
        piece
    }

    /// Whether all requested lines were returned.
    pub fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// An upper bound for the next read from the store: lines of mail are rarely longer.
    pub fn octets_wanted(&self) -> u64 {
        self.left.saturating_mul(80)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_across_pieces() {
        let mut top = Top::new(2);
        assert_eq!(top.push(b"on"), b"on");
        assert_eq!(top.push(b"e\r"), b"e\r");
        assert_eq!(top.push(b"\ntwo\r\nthree\r\n"), b"\ntwo\r\n");
        assert!(top.is_complete());
        assert_eq!(top.push(b"four"), b"");
    }

    #[test]
    fn no_lines_are_complete_from_the_start() {
        assert!(Top::new(0).is_complete());
        assert_eq!(Top::new(0).push(b"x\r\n"), b"");
    }
}
