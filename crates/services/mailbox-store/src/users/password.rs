//! A password as given by a client.

use crate::{Error, Result};

/// A password of a request. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Accepts UTF-8 of 1 to 1,000 octets.
    pub fn parse(text: String) -> Result<Self> {
        if text.is_empty() || text.len() > 1000 {
            return Err(Error::Invalid("a password has 1 to 1,000 octets".into()));
        }
        Ok(Self(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}
