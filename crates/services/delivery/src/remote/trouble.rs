//! Failures of a server before there is a session. Each may be temporary, or absent at another server. Pure.

use session_io::SessionError;
use smtp_protocol::client::{ClientError, Stage};

use super::outcome::brief;
use super::trail::{NO_TLS, Progress, Tried};
use crate::fate::Failure;

/// The failure of one server.
pub(super) enum Trouble {
    Connection(Progress, SessionError),
    Tls(String),
    Session(Progress, ClientError),
}

impl Trouble {
    pub(super) fn tried(self, server: &str) -> Tried {
        let progress = match &self {
            Self::Tls(_) | Self::Session(_, ClientError::NoTls) => Progress::Tls,
            Self::Session(_, ClientError::NoLogin) => Progress::Login,
            Self::Session(_, ClientError::Refused { stage, .. }) => Progress::at(*stage),
            Self::Connection(progress, _) | Self::Session(progress, _) => *progress,
        };
        let failure = Failure {
            server: server.to_owned(),
            ..self.failure(server)
        };
        Tried { progress, failure }
    }

    fn failure(self, server: &str) -> Failure {
        match self {
            Self::Connection(_, SessionError::Timeout) => {
                Failure::temporary("4.4.1", format!("{server} does not answer."))
            }
            Self::Connection(_, error) => {
                Failure::temporary("4.4.1", format!("No connection with {server}: {error}."))
            }
            Self::Tls(reason) => {
                Failure::temporary(NO_TLS, format!("No TLS with {server}: {reason}."))
            }
            Self::Session(_, ClientError::NoTls) => {
                Failure::temporary(NO_TLS, format!("{server} does not offer TLS."))
            }
            Self::Session(_, ClientError::Refused { stage, reply }) => {
                let words = brief(&reply);
                let reason = format!("{server} refused {}: {words}", refused(stage));
                Failure {
                    reply: words,
                    ..Failure::temporary("4.4.0", reason)
                }
            }
            Self::Session(_, error) => {
                Failure::temporary("4.5.0", format!("No session with {server}: {error}."))
            }
        }
    }
}

/// What a server refused, for a person.
fn refused(stage: Stage) -> &'static str {
    match stage {
        Stage::Greeting => "the connection",
        Stage::Hello => "our EHLO",
        Stage::StartTls => "STARTTLS",
        Stage::Login => "the login",
        Stage::Preflight | Stage::Mail | Stage::Recipient | Stage::Data | Stage::Content => "us",
    }
}
