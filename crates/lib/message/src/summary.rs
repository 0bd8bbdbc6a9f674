//! What is known about a message once its bytes have passed: the values of
//! `proto/postern/message/v1/message.proto`.

use bytes::Bytes;

use crate::sort::SortKeys;

/// Computed once, where the bytes are at hand (invariant I13). Wire strings are as they go over
/// an IMAP connection, literals included where needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// [`crate::SCANNER_VERSION`] of the scanner that made it; 0 was before versions.
    pub scanner_version: u32,
    /// The IMAP ENVELOPE (RFC 3501 §7.4.2).
    pub envelope: Bytes,
    /// BODYSTRUCTURE with extension data.
    pub body_structure: Bytes,
    /// BODY: the structure without extension data.
    pub body: Bytes,
    /// Every body part in the order of the message. The first is the message itself, its path
    /// empty. A message whose body is not a multipart has, as IMAP numbers it, a part 1 as well.
    pub parts: Vec<Part>,
    /// `Date:` in seconds since 1970, when it can be read; what RFC 5256 §2.2 calls the sent date.
    pub sent_at: Option<i64>,
    /// Message-ID without angle brackets, normalised as In-Reply-To and References are, at most
    /// 1,000 octets.
    pub message_id: Bytes,
    /// Message-IDs of In-Reply-To, without angle brackets, normalised (RFC 5256 §3): at most
    /// [`crate::sort::MAX_REFERENCES`], of at most [`crate::sort::MAX_REFERENCES_OCTETS`] together.
    /// Of more the first and the last are kept.
    pub in_reply_to: Vec<Bytes>,
    /// Message-IDs of References, likewise: the thread's first message first, the parent last.
    pub references: Vec<Bytes>,
    /// What SORT and THREAD compare.
    pub sort: SortKeys,
    /// Subject, decoded, at most 1,000 octets.
    pub subject: String,
    /// Addresses of From, decoded, at most 1,000 octets.
    pub from: String,
    /// Lines of the whole text.
    pub lines: u64,
}

/// Where one body part lies, in octets from the start of header and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// IMAP section numbers; empty for the message itself.
    pub path: Vec<u32>,
    /// Start of the part's MIME header.
    pub header_start: u64,
    /// Start of its body, behind the empty line.
    pub body_start: u64,
    /// End of its body, before the line break that belongs to the boundary.
    pub end: u64,
    /// For message/rfc822: where the text of the message inside starts.
    pub nested_text_start: Option<u64>,
    /// Lower-case `type/subtype`.
    pub media_type: String,
    /// Lower-case charset of a text part.
    pub charset: String,
    /// Lower-case content-transfer-encoding.
    pub encoding: String,
    /// File name as the sender gave it, decoded, at most 1,000 octets; a path may stand in it.
    pub filename: String,
    /// Lower-case content-disposition, such as `attachment`; empty when there is none.
    pub disposition: String,
    /// Lower-case language tags (RFC 3282), at most 20.
    pub languages: Vec<String>,
    /// Content-Location (RFC 2557), at most 1,000 octets.
    pub location: String,
}
