//! Login attempts and their results.

use sasl::Hash;

use super::super::password::Password;

/// A login with a password.
#[derive(Debug)]
pub struct Attempt {
    /// The full address, in upper or lower case.
    pub login: String,
    /// The password.
    pub password: Password,
    /// The peer's address; empty if unknown.
    pub peer: String,
}

/// A login with a proof of the password (SCRAM, RFC 5802).
#[derive(Debug)]
pub struct Proof {
    /// The full address, in upper or lower case.
    pub login: String,
    /// The hash function.
    pub hash: Hash,
    /// The text that the proof signs.
    pub auth_message: Vec<u8>,
    /// The proof.
    pub proof: Vec<u8>,
    /// The peer's address; empty if unknown.
    pub peer: String,
}

/// A login with an access token.
pub struct Token {
    /// The access token.
    pub token: String,
    /// The requested user; empty for the token's own.
    pub authorization: String,
}

impl std::fmt::Debug for Token {
    /// The token grants access to its bearer, so no log shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("authorization", &self.authorization)
            .finish_non_exhaustive()
    }
}

/// A successful login.
#[derive(Debug)]
pub struct Accepted {
    /// The user.
    pub user_id: i64,
    /// The user's address.
    pub address: String,
    /// Name of the application password; `None` for the user's own password.
    pub app_password: Option<String>,
    /// The server's signature, for a SCRAM proof.
    pub signature: Vec<u8>,
}

/// Why a login is refused that is no guess.
#[derive(Debug)]
pub struct Unfit {
    /// For people.
    pub reason: String,
    /// A valid token for another purpose.
    pub insufficient_scope: bool,
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Self {
            reason,
            insufficient_scope: false,
        }
    }
}

/// The result of an attempt.
#[derive(Debug)]
pub enum Answer {
    /// Accepted.
    Accepted(Box<Accepted>),
    /// User or password is wrong; the answer does not say which.
    Refused,
    /// Not a guess, but refused.
    Unfit(Unfit),
    /// Not verified, because of too many wrong guesses. Seconds to wait.
    Later(u32),
}
