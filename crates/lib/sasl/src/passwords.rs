//! Mechanisms that transfer the password.

use std::fmt;

use crate::Fault;

/// A login with its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The authorization identity; empty if equal to the login.
    pub authorization: String,
    /// The login.
    pub login: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    /// Omits the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("authorization", &self.authorization)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// `[authzid] NUL authcid NUL passwd` (RFC 4616 §2).
pub(crate) fn plain(response: &str) -> Result<Credentials, Fault> {
    let mut fields = response.split('\0').map(str::to_owned);
    match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(authorization), Some(login), Some(password), None) => Ok(Credentials {
            authorization,
            login,
            password,
        }),
        _ => Err(Fault::Malformed),
    }
}

/// A name or a password of LOGIN.
pub(crate) fn without_nul(text: &str) -> Result<String, Fault> {
    if text.contains('\0') {
        Err(Fault::Malformed)
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_plain() {
        let read = |text: &str| {
            plain(text).map(|found| (found.authorization, found.login, found.password))
        };
        let bob = |as_whom: &str| Ok((as_whom.to_owned(), "bob".to_owned(), "p w".to_owned()));
        assert_eq!(read("\0bob\0p w"), bob(""));
        assert_eq!(read("eve\0bob\0p w"), bob("eve"));
        for text in ["", "bob", "bob\0secret", "\0bob", "\0a\0b\0c"] {
            assert_eq!(read(text), Err(Fault::Malformed), "{text:?}");
        }
    }
}
