//! Logins that a front end refuses by itself: the directory is not asked about them.

/// Longest name of a mechanism (RFC 4422 §3.1).
const LONGEST_MECHANISM: usize = 20;

/// Why such a login is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginFault {
    /// The connection is not encrypted, and the listener takes no passwords on such.
    WithoutTls {
        /// The name that was tried; empty where it was not said.
        login: String,
    },
    /// The mechanism is unknown, or not offered on this connection.
    NotOffered {
        /// As the client names it.
        mechanism: String,
    },
    /// A response is not base64, or the command has too many arguments.
    Malformed,
}

impl LoginFault {
    /// The name by which it is listed among the refusals.
    pub fn verdict(&self) -> &'static str {
        match self {
            Self::WithoutTls { .. } => "login-without-tls",
            Self::NotOffered { .. } => "mechanism-not-offered",
            Self::Malformed => "malformed-login",
        }
    }

    /// The name that was tried, or nothing.
    pub fn login(&self) -> &str {
        match self {
            Self::WithoutTls { login } => login,
            Self::NotOffered { .. } | Self::Malformed => "",
        }
    }

    /// The cause, for the administrator.
    pub fn reason(&self) -> String {
        match self {
            Self::WithoutTls { .. } => {
                "the connection is not encrypted: let the client use TLS, or set `plaintext-auth` at the listener"
                    .to_owned()
            }
            Self::NotOffered { mechanism } => match shown_mechanism(mechanism) {
                Some(name) => format!("the mechanism {name} is not offered on this connection"),
                None => "the client's mechanism name is invalid".to_owned(),
            },
            Self::Malformed => "the client's authentication data cannot be read".to_owned(),
        }
    }
}

/// The name if it could be a mechanism's. What else stands in its place may be a secret.
pub fn shown_mechanism(name: &str) -> Option<&str> {
    let possible = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    let fits = (1..=LONGEST_MECHANISM).contains(&name.len());
    (fits && name.bytes().all(possible)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mechanism_is_named_if_it_could_be_one() {
        let reason = |mechanism: &str| {
            let mechanism = mechanism.to_owned();
            LoginFault::NotOffered { mechanism }.reason()
        };
        assert_eq!(
            reason("CRAM-MD5"),
            "the mechanism CRAM-MD5 is not offered on this connection"
        );
        for other in ["", "AGJvYgBwYXNzIHdvcmQ=", &"X".repeat(21), "\x1b[31m"] {
            assert!(reason(other).ends_with("name is invalid"), "{other}");
        }
    }
}
