//! The address of a user.

use rules::EmailAddress;

use crate::{Error, Result};

/// `mailbox@domain`, all in lower case, the domain in A-labels. It is also the login.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserAddress(String);

impl UserAddress {
    /// Parses an address, in upper or lower case.
    pub fn parse(text: &str) -> Result<Self> {
        let address = EmailAddress::parse(text)
            .map_err(|error| Error::Invalid(format!("not an address: {error}")))?;
        if address.domain().is_none() {
            return Err(Error::Invalid("a user's address needs a domain".into()));
        }
        Ok(Self(address.folded().to_string()))
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As stored.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::fmt::Display for UserAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
