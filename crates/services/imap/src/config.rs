//! The section `[imap]` of the configuration.

use std::time::Duration;

use front_end::{Limits, ListenerConfig, MakeRoom};
use schemars::JsonSchema;
use serde::Deserialize;

/// How long a client that has logged in must have been silent before it makes room for another when
/// all slots are taken; an idling one counts as silent.
const SILENCE_AFTER_LOGIN: Duration = Duration::from_secs(300);

/// What the process needs to start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where to listen.
    pub listener: Vec<ListenerConfig>,
    /// Connections at a time, of each listener.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections: usize,
    /// Connections at a time from one address. Clients open several each, and an office may
    /// share one address.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections_per_address: usize,
    /// Connections at a time of one user, from the login on, over all listeners of a process. A login
    /// above it is answered with `NO [LIMIT]` (RFC 5530).
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections_per_user: usize,
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
    /// Seconds of silence until a client is logged out (RFC 9051 §5.4: at least 1800).
    #[schemars(range(min = 1))]
    pub autologout_seconds: u64,
    /// Seconds of silence within the message of an APPEND.
    #[schemars(range(min = 1))]
    pub data_timeout_seconds: u64,
    /// Seconds after which an idling client is told that all is well, so that routers on the way
    /// remember the connection.
    #[schemars(range(min = 1))]
    pub keep_alive_seconds: u64,
    /// Octets of a message that APPEND takes.
    #[schemars(range(min = 1), extend("unit" = "octets"))]
    pub max_message_size: u64,
    /// Commands that were not understood, in a row, after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "commands"))]
    pub max_bad_commands: u32,
    /// Failed logins after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "logins"))]
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
