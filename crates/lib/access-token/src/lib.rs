//! Access tokens of OAuth 2 that are JWTs (RFC 9068, RFC 7519): whether one is good, and whom it
//! names. Keys and time are given; nobody is asked.
//!
//! Only signatures by which nobody but the issuer can sign are known: RS256, PS256, ES256 and
//! EdDSA. `none` and the HMACs are not, so that no public key can be taken for a secret (RFC 8725
//! §2.1), and a key signs by the algorithms of its own kind alone (§3.1).
//!
//! - [`Keys`] are the issuer's, out of a JWKS or PEM file.
//! - [`Expected`] is what a token has to say; [`Expected::check`] checks one.

mod claims;
mod compact;
mod keys;
mod refusal;

pub use claims::{EMAIL, Expected};
pub use keys::{Keys, KeysError};
pub use refusal::Refusal;

/// Octets of a token at most: issuers that put more into one mean it for themselves.
pub const LONGEST: usize = 8192;
