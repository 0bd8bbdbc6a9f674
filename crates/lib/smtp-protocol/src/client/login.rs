//! AUTH (RFC 4954): PLAIN (RFC 4616) and LOGIN.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Extensions, Login};
use crate::Reply;

/// Mechanisms, in order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Login,
}

/// A login in progress.
#[derive(Debug)]
pub(super) struct Dialogue {
    mechanism: Mechanism,
    answered: u8,
}

impl Dialogue {
    /// Selects an offered mechanism.
    pub(super) fn new(extensions: &Extensions) -> Option<Self> {
        let offers = |name: &str| extensions.auth.iter().any(|offered| offered == name);
        let mechanism = if offers("PLAIN") {
            Mechanism::Plain
        } else if offers("LOGIN") {
            Mechanism::Login
        } else {
            return None;
        };
        Some(Self {
            mechanism,
            answered: 0,
        })
    }

    /// The first command.
    pub(super) fn command(&self, login: &Login) -> String {
        match self.mechanism {
            Mechanism::Plain => {
                let message = format!("\0{}\0{}", login.user, login.password);
                format!("AUTH PLAIN {}\r\n", STANDARD.encode(message))
            }
            Mechanism::Login => "AUTH LOGIN\r\n".to_owned(),
        }
    }

    /// The response to a challenge; `None` if the server asks for more.
    pub(super) fn answer(&mut self, challenge: &Reply, login: &Login) -> Option<String> {
        if challenge.code != 334 || self.mechanism == Mechanism::Plain {
            return None;
        }
        let value = match self.answered {
            0 => &login.user,
            1 => &login.password,
            _ => return None,
        };
        self.answered += 1;
        Some(format!("{}\r\n", STANDARD.encode(value)))
    }
}
