//! The section `[collector]` of the configuration.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of the collector. The policy holds the accounts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// File of CA certificates (PEM) that verify remote servers, instead of the public ones.
    #[schemars(extend("type-name" = "file"))]
    pub authorities: Option<PathBuf>,
    /// Largest message that is collected; a larger one stays on the server.
    #[schemars(range(min = 1), extend("unit" = "octets"))]
    pub max_message_size: u64,
    /// How long a remote server may be silent.
    #[schemars(range(min = 1))]
    pub timeout_seconds: u64,
    /// How long one poll may take; the next one follows at once and continues.
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
