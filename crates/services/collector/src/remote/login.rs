//! From an account to a session that is logged in.

use std::time::Duration;

use pop3_protocol::client::Listing;
use rules::{CollectAccount, CollectProtocol};
use session_io::{ClientTls, Connection};

use super::{Remote, RemoteError};

/// Maximum number of further lines in a greeting.
const LONGEST_BANNER: u32 = 20;

/// The credentials of the account.
pub(crate) struct Credentials<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
}

impl Remote {
    /// Connects, starts TLS as configured, and logs in.
    pub(crate) async fn open(
        account: &CollectAccount,
        credentials: Credentials<'_>,
        tls: &ClientTls,
        timeout: Duration,
    ) -> Result<Self, RemoteError> {
        let connection = Connection::connect_host(&account.server, account.port, timeout).await?;
        let mut remote = Self {
            connection,
            banner: 0,
            offers_top: true,
            retrieval: None,
        };
        remote.set_timeout(timeout);
        if account.protocol == CollectProtocol::Pop3s {
            remote.start_tls(tls, &account.server).await?;
        }
        remote.greeting().await?;
        if account.protocol == CollectProtocol::Pop3Stls {
            remote.stls(tls, &account.server).await?;
        }
        remote.log_in(credentials).await?;
        Ok(remote)
    }

    async fn greeting(&mut self) -> Result<(), RemoteError> {
        let greeting = self.answer().await?;
        self.banner = LONGEST_BANNER;
        greeting.map(drop).map_err(|reason| RemoteError::Refused {
            command: "the connection",
            reason,
        })
    }

    async fn start_tls(&mut self, tls: &ClientTls, name: &str) -> Result<(), RemoteError> {
        Ok(self.connection.start_client_tls(tls, name).await?)
    }

    /// STLS (RFC 2595 §4). If the server does not offer it, nothing secret is sent: an attacker may have
    /// removed the offer.
    async fn stls(&mut self, tls: &ClientTls, name: &str) -> Result<(), RemoteError> {
        if !self.capabilities().await?.iter().any(|line| line == "STLS") {
            return Err(RemoteError::NoTls);
        }
        self.demand("STLS", "STLS").await?;
        self.start_tls(tls, name).await
    }

    /// CAPA (RFC 2449 §5); empty if the server does not know it.
    async fn capabilities(&mut self) -> Result<Vec<String>, RemoteError> {
        const MOST: usize = 1_000;
        let mut lines = Vec::new();
        if self.ask("CAPA").await?.is_err() {
            return Ok(lines);
        }
        while let Listing::Line(line) = self.take(Listing::take_capability).await? {
            if lines.len() >= MOST {
                return Err(RemoteError::Endless("CAPA"));
            }
            lines.push(line);
        }
        Ok(lines)
    }

    async fn log_in(&mut self, credentials: Credentials<'_>) -> Result<(), RemoteError> {
        let Credentials { user, password } = credentials;
        let unspeakable = |text: &str| text.is_empty() || text.contains(['\r', '\n', '\0']);
        if unspeakable(user) || unspeakable(password) {
            return Err(RemoteError::Unspeakable);
        }
        self.demand("USER", &format!("USER {user}")).await?;
        self.demand("PASS", &format!("PASS {password}")).await?;
        Ok(())
    }
}
