//! The messages of SCRAM (RFC 5802 §5, §7).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Fault, Hash};

/// Maximum length of a client's nonce.
const NONCE_LIMIT: usize = 256;

/// The channel bindings of a TLS session; absent without TLS, or if TLS does not provide them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bindings {
    /// `tls-exporter` (RFC 9266).
    pub exporter: Option<Vec<u8>>,
    /// `tls-server-end-point` (RFC 5929 §4).
    pub server_end_point: Option<Vec<u8>>,
}

impl Bindings {
    /// Whether there is any.
    pub fn is_some(&self) -> bool {
        self.exporter.is_some() || self.server_end_point.is_some()
    }

    fn named(&self, name: &str) -> Option<&[u8]> {
        match name {
            "tls-exporter" => self.exporter.as_deref(),
            "tls-server-end-point" => self.server_end_point.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Debug for Bindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bindings")
            .field("exporter", &self.exporter.is_some())
            .field("server_end_point", &self.server_end_point.is_some())
            .finish()
    }
}

/// The login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramLogin {
    /// The authorization identity; empty if equal to the login.
    pub authorization: String,
    /// The login.
    pub login: String,
    /// The hash function.
    pub hash: Hash,
}

/// A proof to be checked: `proof` is `ClientKey XOR HMAC(StoredKey, auth_message)`.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramProof {
    /// The login.
    pub login: ScramLogin,
    /// AuthMessage (RFC 5802 §3).
    pub auth_message: String,
    /// ClientProof.
    pub proof: Vec<u8>,
}

impl fmt::Debug for ScramProof {
    /// Omits the proof: with it and its message passwords could be guessed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramProof")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// The state after the client's first message.
#[derive(Debug)]
pub(crate) struct First {
    login: ScramLogin,
    nonce: String,
    /// client-first-message-bare.
    bare: String,
    /// The required value of `c=`: the GS2 header and the channel binding data.
    channel: Vec<u8>,
}

impl First {
    /// client-first-message.
    pub(crate) fn read(
        text: &str,
        hash: Hash,
        plus: bool,
        bindings: &Bindings,
    ) -> Result<Self, Fault> {
        let (flag, rest) = text.split_once(',').ok_or(Fault::Malformed)?;
        let (authorization, bare) = rest.split_once(',').ok_or(Fault::Malformed)?;
        let mut channel = text.as_bytes()[..text.len() - bare.len()].to_vec();
        channel.extend_from_slice(channel_data(flag, plus, bindings)?);
        let authorization = match authorization.strip_prefix("a=") {
            Some(name) => saslname(name)?,
            None if authorization.is_empty() => String::new(),
            None => return Err(Fault::Malformed),
        };
        let mut attributes = bare.split(',');
        // `m=` would be a mandatory extension, and none is defined (§5.1).
        let login = attribute(attributes.next(), "n=")?;
        let nonce = attribute(attributes.next(), "r=")?;
        if !is_nonce(nonce) || nonce.len() > NONCE_LIMIT {
            return Err(Fault::Malformed);
        }
        Ok(Self {
            login: ScramLogin {
                authorization,
                login: saslname(login)?,
                hash,
            },
            nonce: nonce.to_owned(),
            bare: bare.to_owned(),
            channel,
        })
    }

    pub(crate) fn login(&self) -> ScramLogin {
        self.login.clone()
    }

    pub(crate) fn challenge(self, salt: &[u8], iterations: u32, nonce: &str) -> Second {
        let nonce = format!("{}{nonce}", self.nonce);
        let salt = STANDARD.encode(salt);
        Second {
            challenge: format!("r={nonce},s={salt},i={iterations}"),
            nonce,
            first: self,
        }
    }
}

/// The channel binding data for the flag of the GS2 header (§6).
fn channel_data<'b>(flag: &str, plus: bool, bindings: &'b Bindings) -> Result<&'b [u8], Fault> {
    match (flag, flag.strip_prefix("p=")) {
        (_, Some(name)) if plus => bindings.named(name).ok_or(Fault::Mismatch),
        (_, Some(_)) => Err(Fault::Malformed),
        ("n", _) if !plus => Ok(b""),
        // The client supports channel binding and believes that we do not: somebody removed -PLUS from our
        // list.
        ("y", _) if !plus && bindings.is_some() => Err(Fault::Mismatch),
        ("y", _) if !plus => Ok(b""),
        _ => Err(Fault::Malformed),
    }
}

/// The state after the server's first message.
#[derive(Debug)]
pub(crate) struct Second {
    first: First,
    nonce: String,
    challenge: String,
}

impl Second {
    /// server-first-message.
    pub(crate) fn challenge(&self) -> &str {
        &self.challenge
    }

    /// client-final-message.
    pub(crate) fn read(self, text: &str) -> Result<ScramProof, Fault> {
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Fault::Malformed)?;
        let mut attributes = without_proof.split(',');
        let channel = attribute(attributes.next(), "c=")?;
        let nonce = attribute(attributes.next(), "r=")?;
        let channel = STANDARD.decode(channel).map_err(|_| Fault::Malformed)?;
        if channel != self.first.channel || nonce != self.nonce {
            return Err(Fault::Mismatch);
        }
        Ok(ScramProof {
            auth_message: format!("{},{},{without_proof}", self.first.bare, self.challenge),
            proof: STANDARD.decode(proof).map_err(|_| Fault::Malformed)?,
            login: self.first.login,
        })
    }
}

/// server-final-message.
pub(crate) fn server_final(signature: &[u8]) -> Vec<u8> {
    format!("v={}", STANDARD.encode(signature)).into_bytes()
}

fn attribute<'t>(text: Option<&'t str>, name: &str) -> Result<&'t str, Fault> {
    text.and_then(|text| text.strip_prefix(name))
        .ok_or(Fault::Malformed)
}

/// Printable without the comma.
fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b',')
}

/// `=2C` is a comma, `=3D` an equals sign; any other sequence is invalid.
pub(crate) fn saslname(text: &str) -> Result<String, Fault> {
    let mut parts = text.split('=');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = match part.split_at_checked(2) {
            Some(("2C", rest)) => (',', rest),
            Some(("3D", rest)) => ('=', rest),
            _ => return Err(Fault::Malformed),
        };
        name.push(character);
        name.push_str(rest);
    }
    if name.is_empty() || name.contains('\0') {
        return Err(Fault::Malformed);
    }
    Ok(name)
}
