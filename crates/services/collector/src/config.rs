//! The section `[collector]` of the configuration.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// What the process needs to start. The accounts are policy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// A PEM file of authorities that remote servers' certificates must be signed by, instead of
    /// the public ones.
    #[schemars(extend("type-name" = "file"))]
    pub authorities: Option<PathBuf>,
    /// Largest message that is collected, octets; a larger one stays on the server.
    #[schemars(range(min = 1), extend("unit" = "octets"))]
    pub max_message_size: u64,
    /// Seconds a remote server may be silent.
    #[schemars(range(min = 1))]
    pub timeout_seconds: u64,
    /// Seconds one poll may take; what is left is for the next, which follows at once.
    #[schemars(range(min = 1))]
    pub poll_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            authorities: None,
            max_message_size: 100 * 1024 * 1024,
            timeout_seconds: 60,
            poll_seconds: 600,
        }
    }
}
