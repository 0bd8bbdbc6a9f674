//! The section `[queue]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// What the queue needs to start.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where it serves gRPC: `unix:/path` or `0.0.0.0:7101`.
    #[schemars(extend("type-name" = "endpoint"))]
    pub listen: String,
    /// The key under which the policy's secrets are stored. Made, for its owner only, when there
    /// is none; replicas share it.
    #[schemars(extend("type-name" = "key file"))]
    pub secret_key_file: PathBuf,
    /// The key under which secrets are stored is lost for good: from now on it is the one in the file,
    /// and they are set again. For one start.
    #[serde(default)]
    pub replace_secret_key: bool,
    /// The former place of `data-path` in the section [database].
    #[serde(default)]
    #[schemars(extend("type-name" = "path"))]
    pub data_path: Option<PathBuf>,
    /// How long a lease lasts unless renewed.
    #[serde(default = "default_lease_seconds")]
    #[schemars(range(min = 1))]
    pub lease_seconds: u32,
    /// How long the history is kept.
    #[serde(default = "default_history_days")]
    pub history_days: u32,
    /// How long it is kept what was refused.
    #[serde(default = "default_refusal_days")]
    pub refusal_days: u32,
    /// Transactions of accepted messages under way at a time.
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
