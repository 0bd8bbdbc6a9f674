//! The section `[delivery]` of the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of the delivery process. The policy says what it does with mail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Name server for MX and address lookups; the system's if not set.
    #[schemars(with = "Option<String>", extend("type-name" = "ADDRESS:PORT"))]
    pub resolver: Option<SocketAddr>,
    /// Port of other mail servers.
    #[schemars(range(min = 1), extend("unit" = "port"))]
    pub smtp_port: u16,
    /// Maximum number of connections to other servers. Connections being opened are counted separately: fewer
    /// than twice as many.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub connections: usize,
    /// Maximum number of connections to one destination.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub connections_per_destination: usize,
    /// Maximum number of recipients being delivered to mailboxes.
    #[schemars(range(min = 1), extend("unit" = "recipients"))]
    pub credits: u32,
    /// File of CA certificates (PEM) that verify gateways, instead of the public ones.
    #[schemars(extend("type-name" = "file"))]
    pub authorities: Option<PathBuf>,
    /// Beginning of the worker's name in the queue; machine and process id if not set. A random part follows,
    /// drawn at each start: no two workers have the same name.
    pub worker: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            resolver: None,
            smtp_port: 25,
            connections: 200,
            connections_per_destination: 8,
            credits: 1_000,
            authorities: None,
            worker: None,
        }
    }
}
