//! The section `[delivery]` of the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// What this process needs to start. What it does with mail is policy.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Name server to ask; the system's when absent.
    #[schemars(with = "Option<String>", extend("type-name" = "ADDRESS:PORT"))]
    pub resolver: Option<SocketAddr>,
    /// The port of other servers.
    #[schemars(range(min = 1), extend("unit" = "port"))]
    pub smtp_port: u16,
    /// Connections to other servers at a time; those that are being opened come on top, fewer than
    /// twice as many.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub connections: usize,
    /// Connections to one destination at a time.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub connections_per_destination: usize,
    /// Recipients under way to mailboxes at a time.
    #[schemars(range(min = 1), extend("unit" = "recipients"))]
    pub credits: u32,
    /// Authorities (PEM) that certificates of gateways are checked by, instead of the public ones.
    #[schemars(extend("type-name" = "file"))]
    pub authorities: Option<PathBuf>,
    /// What the worker's name in the queue begins with; machine and process id when absent. It ends
    /// with something that is drawn at each start: no two workers have the same name.
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
