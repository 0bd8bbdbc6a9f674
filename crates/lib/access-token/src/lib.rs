//! OAuth 2 access tokens in JWT form (RFC 9068, RFC 7519): verifies a token and returns its user. Keys and
//! time are parameters; no request is made.
//!
//! Only asymmetric signatures are supported: RS256, PS256, ES256 and EdDSA. `none` and the HMACs are not,
//! so that no public key can be used as a secret (RFC 8725 §2.1), and a key verifies only the algorithms of
//! its own kind (§3.1).
//!
//! - [`Keys`] are the issuer's, out of a JWKS or PEM file.
//! - [`Expected`] are the requirements; [`Expected::check`] verifies a token.

mod claims;
mod compact;
mod keys;
mod refusal;

pub use claims::{EMAIL, Expected};
pub use keys::{Keys, KeysError};
pub use refusal::Refusal;

/// Maximum octets of a token: longer tokens are meant for the issuer itself.
pub const LONGEST: usize = 8192;
