//! The section `[pop3]` of the configuration.

use std::time::Duration;

use front_end::{Limits, ListenerConfig, MakeRoom};
use schemars::JsonSchema;
use serde::Deserialize;

/// How long a client must have been silent after its login before it can be replaced when all slots are
/// taken.
const SILENCE_AFTER_LOGIN: Duration = Duration::from_secs(120);

/// Settings of the POP3 server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Listeners.
    pub listener: Vec<ListenerConfig>,
    /// Maximum number of connections on each listener.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections: usize,
    /// Maximum number of connections from one address on each listener.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections_per_address: usize,
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
    /// How long a client may be silent after the login (RFC 1939 §3: at least 600).
    #[schemars(range(min = 1))]
    pub idle_timeout_seconds: u64,
    /// Maximum number of rows stored for `postern refusals` per minute; repetitions share one row. 0 stores
    /// none.
    #[schemars(extend("unit" = "rows a minute"))]
    pub refusals_kept_a_minute: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listener: Vec::new(),
            max_connections: 2000,
            max_connections_per_address: 100,
            max_connections_before_login: 500,
            make_room_after_seconds: 3,
            login_timeout_seconds: 60,
            idle_timeout_seconds: 600,
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
