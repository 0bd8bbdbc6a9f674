//! The identity of a message, independent of its UIDL: the hash of its octets, and the hash of its header
//! section, which TOP returns alone. Fields that servers change between sessions are left out of both.

mod volatile;

use memchr::memchr;

use volatile::Filter;

/// Octets of a hash.
const HASH: usize = 32;

/// Hashes a message as it arrives from the server.
#[derive(Debug, Default)]
pub(crate) struct Hasher {
    filter: Filter,
    hashes: Hashes,
    /// Hashes that include such fields, once there is one: earlier versions wrote these to the ledger.
    unfiltered: Option<Hashes>,
}

#[derive(Clone, Debug, Default)]
struct Hashes {
    content: blake3::Hasher,
    header: HeaderHasher,
}

/// The hash of a header section without its empty line and without CRs, in which servers differ between RETR
/// and TOP.
#[derive(Clone, Debug)]
struct HeaderHasher {
    hasher: blake3::Hasher,
    line_is_empty: bool,
    ended: bool,
}

/// The content hash of a message in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    hash: [u8; 2 * HASH],
    unfiltered: Option<[u8; 2 * HASH]>,
}

impl Hasher {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let Self {
            filter,
            hashes,
            unfiltered,
        } = self;
        filter.push(piece, |part, keeps| {
            add(hashes, unfiltered, part, keeps);
        });
    }

    pub(crate) fn finish(self) -> Identity {
        let Self {
            filter,
            mut hashes,
            mut unfiltered,
        } = self;
        filter.finish(|part, keeps| add(&mut hashes, &mut unfiltered, part, keeps));
        Identity {
            hash: hashes.finish(),
            unfiltered: unfiltered.map(Hashes::finish),
        }
    }
}

fn add(hashes: &mut Hashes, unfiltered: &mut Option<Hashes>, part: &[u8], keeps: bool) {
    if !keeps && unfiltered.is_none() {
        *unfiltered = Some(hashes.clone());
    }
    if keeps {
        hashes.push(part);
    }
    if let Some(unfiltered) = unfiltered {
        unfiltered.push(part);
    }
}

impl Hashes {
    fn push(&mut self, part: &[u8]) {
        self.content.update(part);
        self.header.push(part);
    }

    fn finish(self) -> [u8; 2 * HASH] {
        let mut hash = [0; 2 * HASH];
        let (content, header) = hash.split_at_mut(HASH);
        content.copy_from_slice(self.content.finalize().as_bytes());
        header.copy_from_slice(&self.header.finish());
        hash
    }
}

impl Default for HeaderHasher {
    fn default() -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            line_is_empty: true,
            ended: false,
        }
    }
}

impl HeaderHasher {
    fn push(&mut self, piece: &[u8]) {
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

    fn finish(mut self) -> [u8; HASH] {
        if !self.line_is_empty {
            self.end_line();
        }
        *self.hasher.finalize().as_bytes()
    }
}

impl Identity {
    /// In the ledger's form.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.hash.to_vec()
    }

    /// Whether the ledger's hash is of this message.
    pub(crate) fn is(&self, ledger: &[u8]) -> bool {
        ledger == self.hash || self.unfiltered.is_some_and(|hash| ledger == hash)
    }

    /// Whether the ledger's hash is of this message and was written by an earlier version.
    pub(crate) fn is_unfiltered(&self, ledger: &[u8]) -> bool {
        self.unfiltered.is_some_and(|hash| ledger == hash)
    }

    /// Whether the ledger's hash is of a message with this header section.
    pub(crate) fn has_header_of(&self, ledger: &[u8]) -> bool {
        let header = ledger.get(HASH..);
        self.headers().any(|hash| header == Some(hash))
    }

    /// The hashes of its header section: one, and that of earlier versions if it differs.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &[u8]> {
        let hashes = std::iter::once(&self.hash).chain(&self.unfiltered);
        hashes.map(|hash| &hash[HASH..])
    }

    /// A name for a message without a UIDL. No UIDL has a space.
    pub(crate) fn name(&self) -> String {
        let hash = self.hash[HASH..].iter().take(16);
        let hash: String = hash.map(|byte| format!("{byte:02x}")).collect();
        format!("{UNNAMED}{hash}")
    }
}

/// Prefix of the names of messages without a UIDL.
pub(crate) const UNNAMED: &str = "header ";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &[u8], size: usize) -> Identity {
        let mut hasher = Hasher::default();
        message.chunks(size).for_each(|piece| hasher.push(piece));
        hasher.finish()
    }

    fn whole(message: &[u8]) -> Identity {
        of(message, message.len().max(1))
    }

    #[test]
    fn an_identity_does_not_depend_on_how_the_message_was_cut() {
        for message in [
            &b"A: b\r\nC: d\r\n\r\ntext\r\n"[..],
            b"",
            b"\r\n",
            b"A: b",
            b"A: b\r\nStatus: O\r\n\r\ntext\r\n",
        ] {
            for size in 1..=message.len() {
                assert_eq!(of(message, size), of(message, 100));
            }
        }
    }

    #[test]
    fn top_shows_the_same_header_as_retr() {
        let retr = whole(b"A: b\r\nC: d\r\n\r\ntext\r\n");
        for top in [
            &b"A: b\r\nC: d\r\n\r\n"[..],
            b"A: b\nC: d\n\n",
            b"A: b\r\nC: d\r\n",
            b"X-UIDL: 17\r\nA: b\r\nStatus: RO\r\nC: d\r\n\r\n",
        ] {
            assert!(whole(top).has_header_of(&retr.to_vec()));
            assert_eq!(whole(top).name(), retr.name());
        }
        assert!(!whole(b"A: b\r\nC: e\r\n\r\n").has_header_of(&retr.to_vec()));
        assert!(!whole(b"A: b\r\n").has_header_of(&[]));
    }

    #[test]
    fn what_servers_change_makes_no_other_message() {
        let first = whole(b"A: b\r\nStatus: O\r\n\r\ntext\r\n");
        let later = whole(b"Status: RO\r\nA: b\r\n\r\ntext\r\n");
        let without = whole(b"A: b\r\n\r\ntext\r\n");
        assert!(later.is(&first.to_vec()) && without.is(&first.to_vec()));
        assert!(!whole(b"A: b\r\n\r\nText\r\n").is(&first.to_vec()));
    }

    #[test]
    fn ledgers_of_earlier_versions_are_understood() {
        let message = b"A: b\r\nStatus: O\r\n\r\ntext\r\n";
        let header = b"A: b\nStatus: O\n";
        let ledger = [
            *blake3::hash(message).as_bytes(),
            *blake3::hash(header).as_bytes(),
        ]
        .concat();
        let identity = whole(message);
        assert!(identity.is(&ledger) && identity.is_unfiltered(&ledger));
        assert!(whole(b"A: b\r\nStatus: O\r\n\r\n").has_header_of(&ledger));
        assert_ne!(identity.to_vec(), ledger);
        // Without such fields nothing has changed.
        let plain = b"A: b\r\n\r\ntext\r\n";
        let identity = whole(plain);
        assert_eq!(&identity.to_vec()[..32], blake3::hash(plain).as_bytes());
        assert!(!identity.is_unfiltered(&identity.to_vec()));
    }
}
