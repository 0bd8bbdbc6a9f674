//! The header section of a part, and its converted form.

use crate::header::fields;
use crate::mime::{Mime, MimeFields};

/// The relevant fields of a part's header.
#[derive(Debug)]
pub(super) struct PartHeader {
    pub(super) mime: Mime,
    /// Its content may be any octets.
    pub(super) is_binary: bool,
    /// The encoding or the type is given twice.
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

    /// Whether it contains a message with its own header section.
    pub(super) fn is_message(&self) -> bool {
        let kind = &self.mime.media_type;
        !self.is_encoded && (kind.is("message", "rfc822") || kind.is("message", "global"))
    }

    /// Whether its content must become base64. Multiparts and messages of any kind must not be encoded (RFC
    /// 2045 §6.4, RFC 2046 §5.2).
    pub(super) fn is_binary_leaf(&self) -> bool {
        self.is_binary && !self.is_multipart() && !self.mime.media_type.is("message", "*")
    }

    /// Writes the section with the new encoding.
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
