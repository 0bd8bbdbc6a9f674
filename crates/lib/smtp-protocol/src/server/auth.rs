//! The mechanisms PLAIN (RFC 4616) and LOGIN inside AUTH (RFC 4954).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Reply;

const MALFORMED: Reply = Reply::new(501, 5, 2, "Malformed authentication data");
const CANCELLED: Reply = Reply::new(501, 7, 0, "Authentication cancelled");

/// Who wants to log in, and the proof.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// As whom; empty when the same as the login.
    pub authorization: String,
    /// The login.
    pub login: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    /// Passwords stand in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("authorization", &self.authorization)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// What the client says next.
#[derive(Debug)]
pub(super) enum Exchange {
    Plain,
    LoginName,
    LoginPassword { login: String },
}

/// What comes of a response.
pub(super) enum Step {
    /// Ask on.
    Challenge(Exchange),
    Done(Credentials),
}

impl Exchange {
    pub(super) fn named(mechanism: &str) -> Option<Self> {
        if mechanism.eq_ignore_ascii_case("PLAIN") {
            Some(Self::Plain)
        } else if mechanism.eq_ignore_ascii_case("LOGIN") {
            Some(Self::LoginName)
        } else {
            None
        }
    }

    /// The reply that asks for the next response.
    pub(super) fn challenge(&self) -> Reply {
        Reply::plain(
            334,
            match self {
                Self::Plain => "",
                Self::LoginName => "VXNlcm5hbWU6",
                Self::LoginPassword { .. } => "UGFzc3dvcmQ6",
            },
        )
    }

    /// Takes a response in base64.
    pub(super) fn respond(self, response: &str) -> Result<Step, Reply> {
        if response == "*" {
            return Err(CANCELLED);
        }
        let response = STANDARD.decode(response).map_err(|_| MALFORMED)?;
        let response = String::from_utf8(response).map_err(|_| MALFORMED)?;
        match self {
            Self::Plain => plain(&response).map(Step::Done),
            Self::LoginName => Ok(Step::Challenge(Self::LoginPassword {
                login: without_nul(response)?,
            })),
            Self::LoginPassword { login } => Ok(Step::Done(Credentials {
                authorization: String::new(),
                login,
                password: without_nul(response)?,
            })),
        }
    }
}

/// `[authzid] NUL authcid NUL passwd`.
fn plain(response: &str) -> Result<Credentials, Reply> {
    let mut fields = response.split('\0').map(str::to_owned);
    match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(authorization), Some(login), Some(password), None) => Ok(Credentials {
            authorization,
            login,
            password,
        }),
        _ => Err(MALFORMED),
    }
}

fn without_nul(text: String) -> Result<String, Reply> {
    if text.contains('\0') {
        Err(MALFORMED)
    } else {
        Ok(text)
    }
}
