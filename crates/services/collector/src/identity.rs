//! What a message is, whatever its server calls it: the hash of its bytes, and the hash of its
//! header section, which TOP shows without the rest.

use memchr::memchr;

/// Octets of a hash.
const HASH: usize = 32;

/// Hashes a message as it comes from the server.
#[derive(Debug)]
pub(crate) struct Hasher {
    content: blake3::Hasher,
    header: HeaderHasher,
}

/// The hash of a header section without the empty line and without CRs: servers differ in these
/// between RETR and TOP.
#[derive(Debug)]
pub(crate) struct HeaderHasher {
    hasher: blake3::Hasher,
    line_is_empty: bool,
    ended: bool,
}

/// What the ledger keeps as a message's content hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity([u8; 2 * HASH]);

impl Hasher {
    pub(crate) fn new() -> Self {
        Self {
            content: blake3::Hasher::new(),
            header: HeaderHasher::new(),
        }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.content.update(piece);
        self.header.push(piece);
    }

    pub(crate) fn finish(self) -> Identity {
        let mut identity = [0; 2 * HASH];
        let (content, header) = identity.split_at_mut(HASH);
        content.copy_from_slice(self.content.finalize().as_bytes());
        header.copy_from_slice(&self.header.finish());
        Identity(identity)
    }
}

impl HeaderHasher {
    pub(crate) fn new() -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            line_is_empty: true,
            ended: false,
        }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !self.ended && !rest.is_empty() {
            let end = memchr(b'\n', rest);
            for part in rest[..end.unwrap_or(rest.len())].split(|&byte| byte == b'\r') {
                self.hasher.update(part);
                self.line_is_empty &= part.is_empty();
            }
            rest = match end {
                Some(end) => {
                    self.end_line();
                    &rest[end + 1..]
                }
                None => &[],
            };
        }
    }

    fn end_line(&mut self) {
        if self.line_is_empty {
            self.ended = true;
        } else {
            self.hasher.update(b"\n");
            self.line_is_empty = true;
        }
    }

    pub(crate) fn finish(mut self) -> [u8; HASH] {
        if !self.line_is_empty {
            self.end_line();
        }
        *self.hasher.finalize().as_bytes()
    }
}

impl Identity {
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

/// Whether the ledger's hash is of a message with this header section.
pub(crate) fn has_header(ledger: &[u8], header: &[u8; HASH]) -> bool {
    ledger.get(HASH..) == Some(header.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &[u8], size: usize) -> Identity {
        let mut hasher = Hasher::new();
        message.chunks(size).for_each(|piece| hasher.push(piece));
        hasher.finish()
    }

    fn header(message: &[u8]) -> [u8; HASH] {
        let mut hasher = HeaderHasher::new();
        hasher.push(message);
        hasher.finish()
    }

    #[test]
    fn an_identity_does_not_depend_on_how_the_message_was_cut() {
        for message in [&b"A: b\r\nC: d\r\n\r\ntext\r\n"[..], b"", b"\r\n", b"A: b"] {
            for size in 1..=message.len() {
                assert_eq!(of(message, size), of(message, 100));
            }
        }
    }

    #[test]
    fn top_shows_the_same_header_as_retr() {
        let retr = of(b"A: b\r\nC: d\r\n\r\ntext\r\n", 100);
        for top in [
            &b"A: b\r\nC: d\r\n\r\n"[..],
            b"A: b\nC: d\n\n",
            b"A: b\r\nC: d\r\n",
        ] {
            assert!(has_header(&retr.to_vec(), &header(top)));
        }
        assert!(!has_header(
            &retr.to_vec(),
            &header(b"A: b\r\nC: e\r\n\r\n")
        ));
        assert!(!has_header(&[], &header(b"A: b\r\n")));
    }
}
