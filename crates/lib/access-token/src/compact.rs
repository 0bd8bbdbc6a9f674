//! The compact serialization (RFC 7515 §3.1): header, payload and signature in base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::{Map, Value};

use crate::{LONGEST, Refusal};

/// A token split into its parts; nothing is verified yet.
pub(crate) struct Compact<'t> {
    pub(crate) header: Header,
    /// The signed text: the first two parts, as written.
    pub(crate) signed: &'t str,
    pub(crate) signature: Vec<u8>,
    payload: &'t str,
}

#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    /// Whether it is present, with any value.
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// True for null too, which an `Option` treats as absent.
fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

impl<'t> Compact<'t> {
    pub(crate) fn read(token: &'t str) -> Result<Self, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let header: Header =
            serde_json::from_slice(&octets(header)?).map_err(|_| Refusal::Malformed)?;
        if header.crit {
            return Err(Refusal::Critical);
        }
        Ok(Self {
            header,
            signed,
            // None if `alg` is "none": the algorithm is the better reason.
            signature: octets(signature)?,
            payload,
        })
    }

    /// The claims: use them only after verifying the signature.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, Refusal> {
        serde_json::from_slice(&octets(self.payload)?).map_err(|_| Refusal::Malformed)
    }
}

fn octets(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}
