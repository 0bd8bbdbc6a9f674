//! The section `[imap]` of the configuration.

use std::time::Duration;

use front_end::{Limits, ListenerConfig, MakeRoom};
use schemars::JsonSchema;
use serde::Deserialize;

/// How long a client must have been silent after its login before it can be replaced when all slots are
/// taken; an idling client counts as silent.
const SILENCE_AFTER_LOGIN: Duration = Duration::from_secs(300);

/// Settings of the IMAP server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Listeners.
    pub listener: Vec<ListenerConfig>,
    /// Maximum number of connections on each listener.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections: usize,
    /// Maximum number of connections from one address. Clients open several each, and an office may share one
    /// address.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections_per_address: usize,
    /// Maximum number of connections of one user after the login, over all listeners of a process. A further
    /// login gets `NO [LIMIT]` (RFC 5530).
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections_per_user: usize,
    /// Maximum number of connections on each listener before the login, unfinished TLS handshakes included.
    /// When it is reached, a new connection replaces the one that has been waiting for the longest.
    #[schemars(range(min = 1))]
    pub max_connections_before_login: usize,
    /// How long a client may wait before the login until its connection can be replaced; a quarter of that if
    /// its address has the most connections.
    pub make_room_after_seconds: u64,
    /// Time from the connection to the login.
    #[schemars(range(min = 1))]
    pub login_timeout_seconds: u64,
    /// How long a client may be silent before it is logged out (RFC 9051 §5.4: at least 1800).
    #[schemars(range(min = 1))]
    pub autologout_seconds: u64,
    /// Longest pause within the message of an APPEND.
    #[schemars(range(min = 1))]
    pub data_timeout_seconds: u64,
    /// Interval of keep-alive responses to an idling client, so that routers keep the connection.
    #[schemars(range(min = 1))]
    pub keep_alive_seconds: u64,
    /// Largest message for APPEND.
    #[schemars(range(min = 1), extend("unit" = "octets"))]
    pub max_message_size: u64,
    /// Number of consecutive invalid commands, or of logins refused without a password check, after which a
    /// connection is closed.
    #[schemars(range(min = 1), extend("unit" = "commands"))]
    pub max_bad_commands: u32,
    /// Number of failed logins after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "logins"))]
    pub max_failed_logins: u32,
    /// Maximum number of rows stored for `postern refusals` per minute; repetitions share one row. 0 stores
    /// none.
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

impl Config {
    /// Limits of each listener's connections.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            total: self.max_connections,
            strangers: Limits::before_login(
                self.max_connections,
                self.max_connections_before_login,
            ),
            per_address: self.max_connections_per_address,
            make_room_after: MakeRoom {
                strangers: Duration::from_secs(self.make_room_after_seconds),
                known: SILENCE_AFTER_LOGIN,
            },
        }
    }
}
