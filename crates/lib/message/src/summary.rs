//! What is known about a message once its bytes have passed: the values of
//! `proto/postern/message/v1/message.proto`.

use bytes::Bytes;

/// Computed once, where the bytes are at hand (invariant I13). Wire strings are as they go over
/// an IMAP connection, literals included where needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The IMAP ENVELOPE (RFC 3501 §7.4.2).
    pub envelope: Bytes,
    /// BODYSTRUCTURE with extension data.
    pub body_structure: Bytes,
    /// BODY: the structure without extension data.
    pub body: Bytes,
    /// Every body part in the order of the message. The first is the message itself, its path
    /// empty. A message whose body is not a multipart has, as IMAP numbers it, a part 1 as well.
    pub parts: Vec<Part>,
    /// `Date:` in seconds since 1970, when it can be read.
    pub sent_at: Option<i64>,
    /// Message-ID without angle brackets, at most 1,000 octets.
    pub message_id: Bytes,
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
}
