//! The sections shared by all processes.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::HostName;

/// All of `postern.toml` except the sections of single processes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SharedConfig {
    /// Name of this system in greetings and trace fields; the machine's name if not set.
    #[schemars(extend("type-name" = "host name"))]
    pub hostname: Option<HostName>,
    /// How long a process may take to drain before it is ended; 25 if not set.
    #[schemars(extend("unit" = "seconds"))]
    pub drain_seconds: Option<u64>,
    /// How long a process keeps its listeners open after it was told to end, while it reports that it is not
    /// ready. A load balancer then sends no client to a closed port. 0 if not set; a process's section may
    /// have its own `drain-delay-seconds`. Draining begins after this delay.
    pub drain_delay_seconds: Option<u64>,
    /// Number of threads of each process; half the number of processors if not set. A process's section may
    /// have its own `threads`. In smtp-server, which has at least two, each thread is a shard: it serves its
    /// own connections, on a processor of its own if enough are available. Work that belongs to no connection
    /// runs on further threads.
    #[schemars(range(min = 1), extend("unit" = "threads"))]
    pub threads: Option<usize>,
    /// Postgres.
    pub database: DatabaseConfig,
    /// Endpoints of the other services.
    pub endpoints: EndpointsConfig,
    /// Certificate of the mail listeners.
    pub tls: Option<TlsConfig>,
    /// Certificates by which services on different machines authenticate each other.
    pub internal_tls: Option<InternalTlsConfig>,
    /// Logging.
    pub log: LogConfig,
    /// Traces.
    pub telemetry: TelemetryConfig,
}

/// `[database]`
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatabaseConfig {
    /// `postgres://…`
    pub url: Option<String>,
    /// Maximum number of connections of one process. Up to two more check the database, one of them only at
    /// the start.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections: u32,
    /// Path on the volume that holds Postgres' data on this machine. Its free space is compared with
    /// `min-free-space`. Leave it out if Postgres runs elsewhere.
    #[schemars(extend("type-name" = "path"))]
    pub data_path: Option<PathBuf>,
    /// Refuse all mail while Postgres runs with `fsync = off`. Set `false` only for a system that may lose
    /// mail when the machine fails, such as a test.
    pub require_fsync: bool,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: None,
            max_connections: 10,
            data_path: None,
            require_fsync: true,
        }
    }
}

// The URL may hold a password: it is not shown.
impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("url", &self.url.as_ref().map(|_| "…"))
            .field("max_connections", &self.max_connections)
            .field("data_path", &self.data_path)
            .field("require_fsync", &self.require_fsync)
            .finish()
    }
}

/// `[endpoints]`: each is `unix:/path/to.sock` or `https://host:port`, or a list of them if a service has
/// several replicas; a name with several addresses also stands for several replicas. Every process needs the
/// queue and mailbox-store. `postern status` asks the others for their health if it does not run on the same
/// machine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EndpointsConfig {
    /// Endpoint of `queue`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub queue: Option<String>,
    /// Endpoint of `mailbox-store`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub mailbox_store: Option<String>,
    /// Health endpoint of `smtp-server`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub smtp_server: Option<String>,
    /// Health endpoint of `delivery`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub delivery: Option<String>,
    /// Health endpoint of `imap`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub imap: Option<String>,
    /// Health endpoint of `pop3`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub pop3: Option<String>,
    /// Health endpoint of `collector`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub collector: Option<String>,
}

/// Joins a list to the text that [`Endpoint::several`](crate::Endpoint::several) reads.
fn one_or_several<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "an endpoint, or a list of endpoints")]
    enum Written {
        One(String),
        Several(Vec<String>),
    }
    Ok(
        Option::<Written>::deserialize(source)?.map(|written| match written {
            Written::One(text) => text,
            Written::Several(texts) => texts.join(","),
        }),
    )
}

/// `[tls]`: PEM files, read again when they change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsConfig {
    /// The certificate and its intermediates.
    #[schemars(extend("type-name" = "file"))]
    pub certificate: PathBuf,
    /// Its private key.
    #[schemars(extend("type-name" = "file"))]
    pub key: PathBuf,
}

/// `[internal-tls]`: PEM files for mutual TLS between services.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InternalTlsConfig {
    /// Certificate of the authority that signed all services' certificates.
    #[schemars(extend("type-name" = "file"))]
    pub ca: PathBuf,
    /// This process's certificate, for the DNS name equal to the process's name. Other services identify the
    /// process by it, and decide which calls it may make. `{process}` in one of these paths stands for that
    /// name.
    #[schemars(extend("type-name" = "file"))]
    pub certificate: PathBuf,
    /// Its private key.
    #[schemars(extend("type-name" = "file"))]
    pub key: PathBuf,
}

impl InternalTlsConfig {
    /// Stands for the name of the process in a path.
    pub const PROCESS: &str = "{process}";

    /// The file's path for the process of this name.
    #[must_use]
    pub fn file_of(file: &str, process: &str) -> String {
        file.replace(Self::PROCESS, process)
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogConfig {
    /// Format of log lines: for people or for programs.
    pub format: LogFormat,
    /// `info`, `debug`, or directives such as `info,queue=debug`.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[telemetry]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TelemetryConfig {
    /// gRPC endpoint of an OpenTelemetry collector, `http://host:4317`; without it no traces are sent.
    #[schemars(extend("type-name" = "URL"))]
    pub otlp_endpoint: Option<String>,
}
