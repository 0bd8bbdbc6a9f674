//! AUTHENTICATE, with SASL-IR (RFC 4959).

use bytes::BytesMut;
use sasl::Response;

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};

/// The command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticate {
    /// The mechanism, in capitals.
    pub mechanism: String,
    /// The initial response.
    pub initial: Option<Response>,
}

impl Authenticate {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let mechanism = cursor.atom("a mechanism")?;
        let mechanism = String::from_utf8_lossy(&mechanism).to_ascii_uppercase();
        let initial = if cursor.eat(b' ') {
            let encoded = cursor.take_while(|octet| octet.is_ascii_graphic());
            let initial = Response::read_initial(&encoded);
            Some(initial.map_err(|_| CommandError::NotBase64)?)
        } else {
            None
        };
        Ok(Self { mechanism, initial })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"AUTHENTICATE ");
        out.extend_from_slice(self.mechanism.as_bytes());
        if let Some(initial) = &self.initial {
            out.extend_from_slice(b" ");
            let text = match initial.octets() {
                [] => "=".to_owned(),
                octets => sasl::encode(octets),
            };
            out.extend_from_slice(text.as_bytes());
        }
    }
}
