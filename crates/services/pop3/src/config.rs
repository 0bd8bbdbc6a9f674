//! The section `[pop3]` of the configuration.

use std::time::Duration;

use front_end::{Limits, ListenerConfig, MakeRoom};
use schemars::JsonSchema;
use serde::Deserialize;

/// How long a client that has logged in must have been silent before it makes room for another when
/// all slots are taken.
const SILENCE_AFTER_LOGIN: Duration = Duration::from_secs(120);

/// What the process needs to start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where to listen.
    pub listener: Vec<ListenerConfig>,
    /// Connections at a time, of one listener.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections: usize,
    /// Of these, from one address.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections_per_address: usize,
    /// Of the connections, those of clients that have not logged in, unfinished TLS handshakes among
    /// them, on each listener. When there are as many, a new one takes the place of the one that has
    /// been waited for the longest.
    #[schemars(range(min = 1))]
    pub max_connections_before_login: usize,
    /// Seconds of waiting for a client that has not logged in before its connection may have to make
    /// room so; a quarter of them where its address has the most connections.
    pub make_room_after_seconds: u64,
    /// Seconds a client may take to log in.
    #[schemars(range(min = 1))]
    pub login_timeout_seconds: u64,
    /// Seconds of silence after the login (RFC 1939 §3: at least 600).
    #[schemars(range(min = 1))]
    pub idle_timeout_seconds: u64,
    /// Rows in which failed logins are kept for `postern refusals` in a minute; what repeats itself
    /// shares one. 0 keeps none.
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
    /// Of each listener's connections.
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
