//! The section `[imap]` of the configuration.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the process needs to start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where to listen.
    pub listener: Vec<ListenerConfig>,
    /// Connections at a time, of each listener.
    #[schemars(extend("unit" = "connections"))]
    pub max_connections: usize,
    /// Connections at a time from one address. Clients open several each, and an office may
    /// share one address.
    #[schemars(extend("unit" = "connections"))]
    pub max_connections_per_address: usize,
    /// Connections at a time of one user, from the login on, over all listeners of a process. A login
    /// above it is answered with `NO [LIMIT]` (RFC 5530).
    #[schemars(extend("unit" = "connections"))]
    pub max_connections_per_user: usize,
    /// Of the connections, those of clients that have not logged in, unfinished TLS handshakes among
    /// them, on each listener. When there are as many, a new one takes the place of the one that has
    /// been waited for the longest.
    pub max_connections_before_login: usize,
    /// Seconds of waiting for a client that has not logged in before its connection may have to make
    /// room so; a quarter of them where its address has the most connections.
    pub make_room_after_seconds: u64,
    /// Seconds a client may take to log in.
    pub login_timeout_seconds: u64,
    /// Seconds of silence until a client is logged out (RFC 9051 §5.4: at least 1800).
    pub autologout_seconds: u64,
    /// Seconds of silence within the message of an APPEND.
    pub data_timeout_seconds: u64,
    /// Seconds after which an idling client is told that all is well, so that routers on the way
    /// remember the connection.
    pub keep_alive_seconds: u64,
    /// Octets of a message that APPEND takes.
    #[schemars(extend("unit" = "octets"))]
    pub max_message_size: u64,
    /// Commands that were not understood, in a row, after which a connection is closed.
    #[schemars(extend("unit" = "commands"))]
    pub max_bad_commands: u32,
    /// Failed logins after which a connection is closed.
    #[schemars(extend("unit" = "logins"))]
    pub max_failed_logins: u32,
    /// Rows in which failed logins are kept for `postern refusals` in a minute; what repeats itself
    /// shares one. 0 keeps none.
    #[schemars(extend("unit" = "rows a minute"))]
    pub refusals_kept_a_minute: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listener: Vec::new(),
            max_connections: 10_000,
            max_connections_per_address: 500,
            max_connections_per_user: 100,
            max_connections_before_login: 2_500,
            make_room_after_seconds: 3,
            login_timeout_seconds: 60,
            autologout_seconds: 1800,
            data_timeout_seconds: 180,
            keep_alive_seconds: 120,
            max_message_size: 64 * 1024 * 1024,
            max_bad_commands: 20,
            max_failed_logins: 3,
            refusals_kept_a_minute: 600,
        }
    }
}

/// One address to listen on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ListenerConfig {
    /// Address and port.
    #[schemars(with = "String", extend("type-name" = "ADDRESS:PORT"))]
    pub address: SocketAddr,
    /// How it is protected.
    #[serde(default)]
    pub tls: TlsMode,
    /// Take passwords without TLS.
    #[serde(default)]
    pub plaintext_auth: bool,
}

/// How a listener is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// STARTTLS is offered where there is a certificate.
    #[default]
    Starttls,
    /// TLS from the first octet (RFC 8314).
    Implicit,
    /// Not at all.
    None,
}
