//! AUTHENTICATE, with SASL-IR (RFC 4959), and the credentials of PLAIN (RFC 4616).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};

/// The command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticate {
    /// The mechanism, in capitals.
    pub mechanism: String,
    /// The initial response, decoded.
    pub initial: Option<Bytes>,
}

impl Authenticate {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let mechanism = cursor.atom("a mechanism")?;
        let mechanism = String::from_utf8_lossy(&mechanism).to_ascii_uppercase();
        let initial = if cursor.eat(b' ') {
            let encoded = cursor.take_while(|octet| octet.is_ascii_graphic());
            // "=" is an initial response that is empty.
            let decoded = if encoded.as_ref() == b"=" {
                Some(Bytes::new())
            } else {
                decode_base64(&encoded)
            };
            Some(decoded.ok_or(CommandError::Expected("base64"))?)
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
            if initial.is_empty() {
                out.extend_from_slice(b"=");
            }
            out.extend_from_slice(STANDARD.encode(initial).as_bytes());
        }
    }
}

/// Base64 of one line of a SASL exchange; `None` when it is not.
#[must_use]
pub fn decode_base64(line: &[u8]) -> Option<Bytes> {
    STANDARD.decode(line).ok().map(Bytes::from)
}

/// `message = [authzid] NUL authcid NUL passwd`.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainCredentials {
    /// Who the session shall act for; empty means who logs in.
    pub authorization: String,
    /// Who logs in.
    pub login: String,
    /// Their password.
    pub password: String,
}

impl PlainCredentials {
    /// Reads a decoded response.
    #[must_use]
    pub fn parse(message: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(message).ok()?;
        let mut parts = text.split('\0');
        let credentials = Self {
            authorization: parts.next()?.to_owned(),
            login: parts.next()?.to_owned(),
            password: parts.next()?.to_owned(),
        };
        let complete = parts.next().is_none() && !credentials.login.is_empty();
        complete.then_some(credentials)
    }
}
