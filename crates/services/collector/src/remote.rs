//! A remote POP3 account.

mod listing;
mod login;
mod retrieval;

use std::time::Duration;

use bytes::BytesMut;
use pop3_protocol::client::{Reply, ReplyError};
use pop3_protocol::dots::Unstuffer;
use session_io::{Connection, SessionError};

pub(crate) use listing::Entry;
pub(crate) use login::Credentials;
pub(crate) use retrieval::subject;

/// How long to wait for unsolicited data, such as the rest of a message after a false end.
const AFTERTHOUGHT: Duration = Duration::from_secs(1);

/// Octets of a server's refusal kept for the report.
const LONGEST_REASON: usize = 200;

/// Why a poll cannot continue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    #[error("connection to the server: {0}")]
    Connection(#[from] SessionError),
    #[error("the server closed the connection")]
    Closed,
    #[error("{0}")]
    Protocol(#[from] ReplyError),
    #[error("the server refused {command}: {reason}")]
    Refused {
        command: &'static str,
        reason: String,
    },
    #[error("the server does not offer TLS")]
    NoTls,
    #[error("user name or password cannot be said in POP3: it has a line break or a NUL in it")]
    Unspeakable,
    #[error("the server lists more than {0} messages")]
    TooMany(usize),
    #[error("the server's answer to {0} does not end")]
    Endless(&'static str),
    #[error(
        "the server sent unsolicited data, so its replies can no longer be matched to commands"
    )]
    OutOfStep,
}

/// A session with a remote account, after its login.
pub(crate) struct Remote {
    connection: Connection,
    /// Lines allowed between the greeting and the first reply: some servers greet in several lines.
    banner: u32,
    /// TOP has not been refused yet.
    offers_top: bool,
    /// A message is being received.
    retrieval: Option<Unstuffer>,
}

impl Remote {
    /// Sends a command and returns the text after `+OK`, or the text of a refusal.
    ///
    /// Data received before the command is no reply to it. From a server that does not escape dots, a
    /// message's text would otherwise be taken for replies, such as a success of DELE.
    async fn ask(&mut self, command: &str) -> Result<Result<String, String>, RemoteError> {
        if self.banner == 0 && !self.connection.input().is_empty() {
            return Err(RemoteError::OutOfStep);
        }
        let output = self.connection.output();
        output.extend_from_slice(command.as_bytes());
        output.extend_from_slice(b"\r\n");
        self.connection.flush().await?;
        self.answer().await
    }

    /// As [`Remote::ask`], for a command that must succeed.
    async fn demand(&mut self, name: &'static str, command: &str) -> Result<String, RemoteError> {
        self.ask(command)
            .await?
            .map_err(|reason| RemoteError::Refused {
                command: name,
                reason,
            })
    }

    async fn answer(&mut self) -> Result<Result<String, String>, RemoteError> {
        let reply = loop {
            match self.take(Reply::take).await {
                Err(RemoteError::Protocol(ReplyError::NotPop3)) if self.banner > 0 => {
                    self.banner -= 1;
                }
                reply => break reply?,
            }
        };
        self.banner = 0;
        match reply {
            Reply::Ok(text) => Ok(Ok(text)),
            Reply::Err(reason) => Ok(Err(printable(&reason))),
            Reply::Continue(_) => Err(ReplyError::NotPop3.into()),
        }
    }

    /// Reads until `take` returns a value.
    async fn take<T>(
        &mut self,
        mut take: impl FnMut(&mut BytesMut) -> Result<Option<T>, ReplyError>,
    ) -> Result<T, RemoteError> {
        loop {
            if let Some(found) = take(self.connection.input())? {
                return Ok(found);
            }
            if self.connection.fill().await? == 0 {
                return Err(RemoteError::Closed);
            }
        }
    }

    /// DELE: takes effect at QUIT. Returns the server's reason if it refuses.
    pub(crate) async fn delete(&mut self, number: u32) -> Result<Result<(), String>, RemoteError> {
        Ok(self.ask(&format!("DELE {number}")).await?.map(|_| ()))
    }

    /// RSET: cancels the deletions. False if the server refuses.
    pub(crate) async fn undo_deletes(&mut self) -> Result<bool, RemoteError> {
        Ok(self.ask("RSET").await?.is_ok())
    }

    /// Waits for unsolicited data, and fails if there is any.
    pub(crate) async fn require_silence(&mut self) -> Result<(), RemoteError> {
        if !self.connection.input().is_empty() {
            return Err(RemoteError::OutOfStep);
        }
        match tokio::time::timeout(AFTERTHOUGHT, self.connection.fill()).await {
            Err(_) => Ok(()),
            Ok(Ok(0)) => Err(RemoteError::Closed),
            Ok(Ok(_)) => Err(RemoteError::OutOfStep),
            Ok(Err(error)) => Err(error.into()),
        }
    }

    /// QUIT: the deletions have taken effect if this succeeds.
    pub(crate) async fn quit(mut self) -> Result<(), RemoteError> {
        self.demand("QUIT", "QUIT").await?;
        // The server may have closed the connection first.
        let _ = self.connection.close().await;
        Ok(())
    }

    /// The server's address, for the message's history.
    pub(crate) fn peer(&self) -> std::net::IpAddr {
        self.connection.peer().ip()
    }

    /// TLS parameters of the session.
    pub(crate) fn tls(&self) -> Option<session_io::TlsFacts> {
        self.connection.tls()
    }

    fn set_timeout(&mut self, timeout: Duration) {
        self.connection.set_timeout(timeout);
    }
}

/// A server's text in a form fit for a report.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_REASON)
        .collect()
}
