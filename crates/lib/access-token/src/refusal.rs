//! The reasons for refusing a token, for people.

/// The reason for refusing a token. The client learns little of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is longer than [`crate::LONGEST`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url with JSON.
    #[error("the token is not a signed JWT")]
    Malformed,
    /// Another algorithm, or none.
    #[error("the signature algorithm {0} is not accepted; RS256, PS256, ES256 and EdDSA are")]
    Algorithm(String),
    /// An unknown critical header parameter (RFC 7515 §4.1.11).
    #[error("the token has an unknown critical header parameter")]
    Critical,
    /// The key is not in the key set; the file may be outdated.
    #[error("no key of the issuer matches the token")]
    UnknownKey,
    /// Another key has signed it, or it was changed.
    #[error("the token's signature is invalid")]
    Signature,
    /// `iss`
    #[error("the token is another issuer's")]
    Issuer,
    /// `aud`
    #[error("the token is for another audience")]
    Audience,
    /// `exp`
    #[error("the token is expired")]
    Expired,
    /// It has no `exp`, and would be valid for ever.
    #[error("the token never expires")]
    NeverExpires,
    /// `nbf`
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `scope`
    #[error("the token lacks the required scope")]
    Scope,
    /// The claim that names the user is missing, or no text.
    #[error("the token has no claim {0} with a user name")]
    NoLogin(String),
    /// The issuer has not verified the address.
    #[error(
        "the token does not say that the issuer has verified its e-mail address (email_verified)"
    )]
    NotVerified,
}
