//! Writes a message's content: dot-stuffed after DATA, unchanged after BDAT.

use bytes::{BufMut as _, BytesMut};
use memchr::memchr2;

/// The way to write the content.
#[derive(Debug)]
pub(super) enum ContentWriter {
    /// RFC 5321 §4.5.2.
    Data(Stuffing),
    /// RFC 3030: octets still to come.
    Chunk(u64),
}

/// The content has another size than announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrongSize;

impl ContentWriter {
    pub(super) fn push(&mut self, piece: &[u8], output: &mut BytesMut) -> Result<(), WrongSize> {
        match self {
            Self::Data(stuffing) => stuffing.push(piece, output),
            Self::Chunk(left) => {
                *left = left.checked_sub(piece.len() as u64).ok_or(WrongSize)?;
                output.put_slice(piece);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, output: &mut BytesMut) -> Result<(), WrongSize> {
        match self {
            Self::Data(stuffing) => stuffing.finish(output),
            Self::Chunk(0) => {}
            Self::Chunk(_) => return Err(WrongSize),
        }
        Ok(())
    }
}

/// Doubles dots at line starts. A bare CR or LF becomes CRLF: another server might treat it as a line end
/// (SMTP smuggling).
#[derive(Debug)]
pub(super) struct Stuffing {
    at_line_start: bool,
    after_cr: bool,
}

impl Stuffing {
    pub(super) fn new() -> Self {
        Self {
            at_line_start: true,
            after_cr: false,
        }
    }

    fn push(&mut self, mut piece: &[u8], output: &mut BytesMut) {
        output.reserve(piece.len() + piece.len() / 64 + 8);
        while let [first, ..] = piece {
            if std::mem::take(&mut self.after_cr) {
                output.put_slice(b"\r\n");
                self.at_line_start = true;
                if *first == b'\n' {
                    piece = &piece[1..];
                    continue;
                }
            }
            if self.at_line_start && *first == b'.' {
                output.put_u8(b'.');
            }
            let Some(end) = memchr2(b'\r', b'\n', piece) else {
                output.put_slice(piece);
                self.at_line_start = false;
                return;
            };
            output.put_slice(&piece[..end]);
            if piece[end] == b'\r' {
                self.after_cr = true;
            } else {
                output.put_slice(b"\r\n");
                self.at_line_start = true;
            }
            piece = &piece[end + 1..];
        }
    }

    fn finish(self, output: &mut BytesMut) {
        if self.after_cr || !self.at_line_start {
            output.put_slice(b"\r\n");
        }
        output.put_slice(b".\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(message: &[u8], size: usize) -> Vec<u8> {
        let mut writer = ContentWriter::Data(Stuffing::new());
        let mut output = BytesMut::new();
        for piece in message.chunks(size) {
            assert_eq!(writer.push(piece, &mut output), Ok(()));
        }
        assert_eq!(writer.finish(&mut output), Ok(()));
        output.to_vec()
    }

    #[test]
    fn dots_are_doubled_and_lines_end_in_crlf_however_the_message_is_cut() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"a\r\nb\r\n", b"a\r\nb\r\n.\r\n"),
            (b".\r\n..x\r\na.b\r\n", b"..\r\n...x\r\na.b\r\n.\r\n"),
            (b"no end", b"no end\r\n.\r\n"),
            (b"a\r\n.", b"a\r\n..\r\n.\r\n"),
            (b"a\n.\nb\r.c\r", b"a\r\n..\r\nb\r\n..c\r\n.\r\n"),
            (b"a\r\r\nb\r\n", b"a\r\n\r\nb\r\n.\r\n"),
            (b"", b".\r\n"),
        ];
        for (message, wire) in cases {
            for size in 1..=message.len().max(1) {
                assert_eq!(&stuffed(message, size), wire, "pieces of {size}");
            }
        }
    }

    #[test]
    fn a_chunk_has_the_size_that_was_announced() {
        let mut output = BytesMut::new();
        let mut writer = ContentWriter::Chunk(3);
        assert_eq!(writer.push(b".\n", &mut output), Ok(()));
        assert_eq!(writer.push(b"..", &mut output), Err(WrongSize));
        assert_eq!(ContentWriter::Chunk(1).finish(&mut output), Err(WrongSize));
        assert_eq!(ContentWriter::Chunk(0).finish(&mut output), Ok(()));
        assert_eq!(&output[..], b".\n");
    }
}
