//! Line ends: CRLF within the system; some servers and devices send LF alone.

use memchr::memchr_iter;

/// Completes the line ends of a message in pieces.
#[derive(Debug, Default)]
pub struct LineEnds {
    after_cr: bool,
}

impl LineEnds {
    /// Replaces `output` by the piece with complete line ends. A piece without errors is copied at once.
    pub fn push(&mut self, piece: &[u8], output: &mut Vec<u8>) {
        output.clear();
        let mut done = 0;
        for at in memchr_iter(b'\n', piece) {
            let complete = match at.checked_sub(1) {
                Some(before) => piece[before] == b'\r',
                None => self.after_cr,
            };
            if !complete {
                output.extend_from_slice(&piece[done..at]);
                output.push(b'\r');
                done = at;
            }
        }
        output.extend_from_slice(&piece[done..]);
        if let Some(&last) = piece.last() {
            self.after_cr = last == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lf_alone_is_completed_and_crlf_is_kept_however_it_is_cut() {
        let message = b"\na\r\nb\n\n\r\n\rc\n";
        let expected = b"\r\na\r\nb\r\n\r\n\r\n\rc\r\n";
        for size in 1..=message.len() {
            let (mut ends, mut piece, mut all) = (LineEnds::default(), Vec::new(), Vec::new());
            for bytes in message.chunks(size) {
                ends.push(bytes, &mut piece);
                all.extend_from_slice(&piece);
            }
            assert_eq!(all, expected, "{size}");
        }
    }
}
