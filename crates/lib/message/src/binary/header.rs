//! What a header section says about its part, and how it is written where that changes.

use crate::header::fields;
use crate::mime::{Mime, MimeFields};

/// See the module.
#[derive(Debug)]
pub(super) struct PartHeader {
    pub(super) mime: Mime,
    /// Its content may be any octets.
    pub(super) is_binary: bool,
    /// It says so twice, or twice of what type it is.
    pub(super) is_ambiguous: bool,
    /// Its content is encoded in lines.
    pub(super) is_encoded: bool,
}

const ENCODING: &str = "Content-Transfer-Encoding";

impl PartHeader {
    pub(super) fn read(section: &[u8], in_digest: bool) -> Self {
        let mut mime = MimeFields::default();
        let (mut encodings, mut types) = (0, 0);
        let mut is_binary = false;
        for field in fields(section) {
            if field.is(ENCODING) {
                encodings += 1;
                let mut this = MimeFields::default();
                this.take(&field);
                is_binary |= is(&this.read(false), b"binary");
            }
            types += usize::from(field.is("Content-Type"));
            mime.take(&field);
        }
        let mime = mime.read(in_digest);
        Self {
            is_encoded: is(&mime, b"base64") || is(&mime, b"quoted-printable"),
            mime,
            is_binary,
            is_ambiguous: encodings > 1 || types > 1,
        }
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.mime.media_type.is("multipart", "*")
    }

    /// A message with a header section of its own stands in it.
    pub(super) fn is_message(&self) -> bool {
        let kind = &self.mime.media_type;
        !self.is_encoded && (kind.is("message", "rfc822") || kind.is("message", "global"))
    }

    /// Its content is to be base64. What is a multipart or any kind of message must not be encoded
    /// (RFC 2045 §6.4, RFC 2046 §5.2).
    pub(super) fn is_binary_leaf(&self) -> bool {
        self.is_binary && !self.is_multipart() && !self.mime.media_type.is("message", "*")
    }

    /// Writes the section, with the encoding that its content will have.
    pub(super) fn write(&self, section: &[u8], out: &mut Vec<u8>) {
        if !self.is_binary {
            return out.extend_from_slice(section);
        }
        let encoding = if self.is_binary_leaf() {
            "base64"
        } else {
            "8bit"
        };
        let mut replaces = false;
        for line in section.split_inclusive(|&octet| octet == b'\n') {
            if !matches!(line, [b' ' | b'\t', ..]) {
                replaces = fields(line).next().is_some_and(|field| field.is(ENCODING));
                if replaces {
                    out.extend_from_slice(format!("{ENCODING}: {encoding}\r\n").as_bytes());
                }
            }
            if !replaces {
                out.extend_from_slice(line);
            }
        }
    }
}

fn is(mime: &Mime, encoding: &[u8]) -> bool {
    let said = mime.encoding.as_deref();
    said.is_some_and(|said| said.eq_ignore_ascii_case(encoding))
}
