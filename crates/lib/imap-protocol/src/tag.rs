//! Command tags.

use bytes::Bytes;

/// A command's tag: `1*<any ASTRING-CHAR except "+">`.
#[derive(Clone, PartialEq, Eq)]
pub struct Tag(Bytes);

impl Tag {
    /// Longer tags are refused: they would be echoed in every answer.
    const LONGEST: usize = 256;

    /// A tag of these octets, if valid.
    #[must_use]
    pub fn new(octets: Bytes) -> Option<Self> {
        let valid = !octets.is_empty()
            && octets.len() <= Self::LONGEST
            && octets.iter().all(|&octet| is_tag_char(octet));
        valid.then_some(Self(octets))
    }

    /// The tag at the start of a command line, before a space.
    #[must_use]
    pub fn at_start_of(line: &[u8]) -> Option<Self> {
        let end = line.iter().position(|&octet| !is_tag_char(octet))?;
        if line.get(end) != Some(&b' ') {
            return None;
        }
        Self::new(Bytes::copy_from_slice(line.get(..end)?))
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tag({})", String::from_utf8_lossy(&self.0))
    }
}

fn is_tag_char(octet: u8) -> bool {
    octet != b'+' && crate::cursor::is_astring_char(octet)
}
