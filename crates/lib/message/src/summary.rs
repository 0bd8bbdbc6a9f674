//! The facts about a complete message: the values of `proto/postern/message/v1/message.proto`.

use bytes::Bytes;

use crate::sort::SortKeys;

/// Computed once, while the bytes pass (invariant I13). Wire strings have the form of the IMAP connection,
/// with literals where needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// [`crate::SCANNER_VERSION`] of the scanner; 0: before versions.
    pub scanner_version: u32,
    /// The IMAP ENVELOPE (RFC 3501 §7.4.2).
    pub envelope: Bytes,
    /// BODYSTRUCTURE with extension data.
    pub body_structure: Bytes,
    /// BODY: the structure without extension data.
    pub body: Bytes,
    /// Every body part in the order of the message. The first is the message itself, with an empty path. A
    /// message without a multipart body also has a part 1, as in IMAP's numbering.
    pub parts: Vec<Part>,
    /// `Date:` in seconds since 1970, if valid; the sent date of RFC 5256 §2.2.
    pub sent_at: Option<i64>,
    /// Message-ID without angle brackets, normalised like In-Reply-To and References, at most 1,000 octets.
    pub message_id: Bytes,
    /// Message-IDs of In-Reply-To, without angle brackets, normalised (RFC 5256 §3): at most
    /// [`crate::sort::MAX_REFERENCES`], with at most [`crate::sort::MAX_REFERENCES_OCTETS`] together. If
    /// there are more, the first and the last are kept.
    pub in_reply_to: Vec<Bytes>,
    /// Message-IDs of References, likewise: from the thread's first message to the parent.
    pub references: Vec<Bytes>,
    /// The keys of SORT and THREAD.
    pub sort: SortKeys,
    /// Subject, decoded, at most 1,000 octets.
    pub subject: String,
    /// Addresses of From, decoded, at most 1,000 octets.
    pub from: String,
    /// Lines of the whole text.
    pub lines: u64,
}

/// The position of one body part, in octets from the start of header and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// IMAP section numbers; empty for the message itself.
    pub path: Vec<u32>,
    /// Start of the part's MIME header.
    pub header_start: u64,
    /// Start of its body, after the empty line.
    pub body_start: u64,
    /// End of its body, before the line break that belongs to the boundary.
    pub end: u64,
    /// For message/rfc822: the start of the inner message's text.
    pub nested_text_start: Option<u64>,
    /// Lower-case `type/subtype`.
    pub media_type: String,
    /// Lower-case charset of a text part.
    pub charset: String,
    /// Lower-case content-transfer-encoding.
    pub encoding: String,
    /// File name as given by the sender, decoded, at most 1,000 octets; it may contain a path.
    pub filename: String,
    /// Lower-case content-disposition, such as `attachment`; empty if there is none.
    pub disposition: String,
    /// Lower-case language tags (RFC 3282), at most 20.
    pub languages: Vec<String>,
    /// Content-Location (RFC 2557), at most 1,000 octets.
    pub location: String,
}
