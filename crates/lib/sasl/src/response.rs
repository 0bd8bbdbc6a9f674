//! The lines of an exchange in SMTP, IMAP and POP3 (RFC 4954 §4, RFC 9051 §6.2.2, RFC 5034 §4): base64, `=`
//! for an empty initial response, `*` to cancel.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Mechanism;

/// Maximum length of a line without its end: RFC 4954 §4.
pub const LINE_LIMIT: usize = 12_288;

/// A client's decoded response.
#[derive(Clone, PartialEq, Eq)]
pub struct Response(Vec<u8>);

/// The reason why a line is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// The client cancels.
    Cancelled,
    /// It is not base64.
    Malformed,
}

/// The start of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiation {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The initial response.
    pub initial: Option<Response>,
}

impl Response {
    /// These octets.
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Self(octets.into())
    }

    /// Decodes a client's line.
    pub fn read(line: &[u8]) -> Result<Self, LineFault> {
        if line == b"*" {
            return Err(LineFault::Cancelled);
        }
        STANDARD
            .decode(line)
            .map(Self)
            .map_err(|_| LineFault::Malformed)
    }

    /// Decodes an initial response, given after the mechanism's name.
    pub fn read_initial(word: &[u8]) -> Result<Self, LineFault> {
        if word == b"=" {
            return Ok(Self(Vec::new()));
        }
        STANDARD
            .decode(word)
            .map(Self)
            .map_err(|_| LineFault::Malformed)
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The octets.
    pub fn into_octets(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Response {
    /// Omits the octets: they may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response(…)")
    }
}

impl Initiation {
    /// PLAIN (RFC 4616) from separate commands: IMAP's LOGIN, POP3's USER and PASS.
    pub fn plain(login: &str, password: &str) -> Self {
        Self {
            mechanism: Mechanism::Plain,
            initial: Some(Response(format!("\0{login}\0{password}").into_bytes())),
        }
    }
}

/// Encodes a challenge for a line.
pub fn encode(challenge: &[u8]) -> String {
    STANDARD.encode(challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_base64_or_an_end() {
        let read = |line: &str| Response::read(line.as_bytes()).map(Response::into_octets);
        assert_eq!(read("AGI="), Ok(b"\0b".to_vec()));
        assert_eq!(read(""), Ok(Vec::new()));
        assert_eq!(read("*"), Err(LineFault::Cancelled));
        for line in ["=", "AGI", "A GI=", "!", "**", "AGI=\r"] {
            assert_eq!(read(line), Err(LineFault::Malformed), "{line:?}");
        }
        let initial = |word: &str| Response::read_initial(word.as_bytes());
        assert_eq!(initial("="), Ok(Response::new("")));
        assert_eq!(initial("*"), Err(LineFault::Malformed));
        assert_eq!(initial("AGI="), Ok(Response::new("\0b")));
    }

    #[test]
    fn a_response_is_not_shown() {
        let initiation = Initiation::plain("bob", "secret");
        let shown = format!("{initiation:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("115"),
            "{shown}"
        );
    }
}
