//! What a login is tried with, and what comes of it.

use api::directory::v1::User;

use sasl::Hash;

use super::super::password::Password;

/// Somebody says who they are.
#[derive(Debug)]
pub struct Attempt {
    /// The full address, in any case.
    pub login: String,
    /// The password.
    pub password: Password,
    /// The peer's address; empty where it is not known.
    pub peer: String,
}

/// Somebody proves that they know the password, and does not say it (RFC 5802).
#[derive(Debug)]
pub struct Proof {
    /// The full address, in any case.
    pub login: String,
    /// By which hash.
    pub hash: Hash,
    /// What the proof is made over.
    pub auth_message: Vec<u8>,
    /// The proof.
    pub proof: Vec<u8>,
    /// The peer's address; empty where it is not known.
    pub peer: String,
}

/// Somebody shows what an issuer says of them.
pub struct Token {
    /// The access token.
    pub token: String,
    /// As whom; empty for the one whom it names.
    pub authorization: String,
}

impl std::fmt::Debug for Token {
    /// Who has it is who it says: it stands in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("authorization", &self.authorization)
            .finish_non_exhaustive()
    }
}

/// Who it is.
#[derive(Debug)]
pub struct Accepted {
    /// The user.
    pub user: User,
    /// Which application password it was; none for the user's own.
    pub app_password: Option<String>,
    /// Our own proof, where theirs was one.
    pub signature: Vec<u8>,
}

/// Why a login is refused that nobody guessed at.
#[derive(Debug)]
pub struct Unfit {
    /// For people.
    pub reason: String,
    /// A token that is good for other things.
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

/// What became of it.
#[derive(Debug)]
pub enum Answer {
    /// It is they.
    Accepted(Box<Accepted>),
    /// The pair is wrong. Which half is not told.
    Refused,
    /// It was no guess, and is refused all the same.
    Unfit(Unfit),
    /// Too many wrong guesses: not looked at. Seconds to wait.
    Later(u32),
}
