//! SASL PLAIN (RFC 4616).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Login;

/// Reads `[authzid] NUL authcid NUL passwd` in base64. Acting for somebody else is not offered.
pub(super) fn read(response: &[u8]) -> Option<Login> {
    let decoded = STANDARD.decode(response.trim_ascii()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let mut fields = text.split('\0');
    let (authorize, user, password) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() || user.is_empty() || password.is_empty() {
        return None;
    }
    if !authorize.is_empty() && authorize != user {
        return None;
    }
    Some(Login {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Option<(String, String)> {
        let login = read(STANDARD.encode(text).as_bytes())?;
        Some((login.user, login.password))
    }

    #[test]
    fn a_login_is_read() {
        let bob = Some(("bob".to_owned(), "p w".to_owned()));
        assert_eq!(read_text("\0bob\0p w"), bob);
        assert_eq!(read_text("bob\0bob\0p w"), bob);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "bob",
            "\0bob",
            "\0\0x",
            "\0bob\0",
            "eve\0bob\0x",
            "\0a\0b\0c",
        ] {
            assert_eq!(read_text(text), None, "{text:?}");
        }
        assert!(read(b"not base64!").is_none());
    }
}
