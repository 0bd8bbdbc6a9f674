//! The section `[queue]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of the queue.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// gRPC endpoint: `unix:/path` or `0.0.0.0:7101`.
    #[schemars(extend("type-name" = "endpoint"))]
    pub listen: String,
    /// File of the key under which the policy's secrets are stored. Created, readable for its owner only, if
    /// it is missing. Replicas share it.
    #[schemars(extend("type-name" = "key file"))]
    pub secret_key_file: PathBuf,
    /// The stored secrets' key is lost: use the key in the file from now on, and set the secrets again. Set
    /// this for one start only.
    #[serde(default)]
    pub replace_secret_key: bool,
    /// Moved to `data-path` in the section [database].
    #[serde(default)]
    #[schemars(extend("type-name" = "path"))]
    pub data_path: Option<PathBuf>,
    /// How long a lease lasts unless the worker renews it.
    #[serde(default = "default_lease_seconds")]
    #[schemars(range(min = 1))]
    pub lease_seconds: u32,
    /// How long the history of messages is kept.
    #[serde(default = "default_history_days")]
    pub history_days: u32,
    /// How long refusals are kept.
    #[serde(default = "default_refusal_days")]
    pub refusal_days: u32,
    /// Transactions of accepted messages that may run at a time.
    #[serde(default = "default_writers")]
    #[schemars(range(min = 1), extend("unit" = "transactions"))]
    pub writers: usize,
}

fn default_lease_seconds() -> u32 {
    20
}

fn default_history_days() -> u32 {
    30
}

fn default_refusal_days() -> u32 {
    30
}

fn default_writers() -> usize {
    1
}
