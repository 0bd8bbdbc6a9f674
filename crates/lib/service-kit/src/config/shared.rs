//! The sections that all processes share.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::HostName;

/// Everything of `postern.toml` that is not one process's own section.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SharedConfig {
    /// The name this system goes by in greetings and trace headers; the machine's name otherwise.
    #[schemars(extend("type-name" = "host name"))]
    pub hostname: Option<HostName>,
    /// How long a process may take to drain before it is ended; 25 seconds unless given.
    #[schemars(extend("unit" = "seconds"))]
    pub drain_seconds: Option<u64>,
    /// How long a process that is told to end keeps its listeners open while it says that it is not
    /// ready, so that a load balancer sends nobody to a closed port; 0 seconds unless given, and unless
    /// the process's section has a `drain-delay-seconds` of its own. Draining begins after it.
    pub drain_delay_seconds: Option<u64>,
    /// Threads that serve in each process, unless its section has a `threads` of its own; half as many as
    /// there are processors unless given. Those of smtp-server, two at least, are shards: each serves its own
    /// connections, on a processor of its own where as many are allowed; what is not a connection's has
    /// threads beside them.
    #[schemars(range(min = 1), extend("unit" = "threads"))]
    pub threads: Option<usize>,
    /// Where Postgres is.
    pub database: DatabaseConfig,
    /// Where the other services are.
    pub endpoints: EndpointsConfig,
    /// The certificate that mail clients see.
    pub tls: Option<TlsConfig>,
    /// The certificates by which services on different machines know each other.
    pub internal_tls: Option<InternalTlsConfig>,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Where traces go.
    pub telemetry: TelemetryConfig,
}

/// `[database]`
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatabaseConfig {
    /// `postgres://…`
    pub url: Option<String>,
    /// Largest number of connections of one process; two more look at the database, one of them at the
    /// start alone.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections: u32,
    /// Where on this machine Postgres keeps its data, or anything on the same volume: what is free there is
    /// what `min-free-space` is about. Not known where Postgres runs elsewhere.
    #[schemars(extend("type-name" = "path"))]
    pub data_path: Option<PathBuf>,
    /// No mail is taken while Postgres runs with `fsync = off`. `false` is for systems whose mail may be
    /// lost when the machine fails, such as those for tests.
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

/// `[endpoints]`: each `unix:/path/to.sock` or `https://host:port`, or a list of them, where a service has
/// several replicas; so does a name with several addresses. Besides the two services that all others
/// ask, those that `postern status` asks for their health where it does not run on the same machine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EndpointsConfig {
    /// The service `queue`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub queue: Option<String>,
    /// The service `mailbox-store`.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub mailbox_store: Option<String>,
    /// Where `smtp-server` answers for its health.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub smtp_server: Option<String>,
    /// Where `delivery` answers for its health.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub delivery: Option<String>,
    /// Where `imap` answers for its health.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub imap: Option<String>,
    /// Where `pop3` answers for its health.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub pop3: Option<String>,
    /// Where `collector` answers for its health.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(extend("type-name" = "endpoint, or list of endpoints"))]
    pub collector: Option<String>,
}

/// A list is joined to the text that [`Endpoint::several`](crate::Endpoint::several) reads.
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
    /// The authority that signed all services' certificates.
    #[schemars(extend("type-name" = "file"))]
    pub ca: PathBuf,
    /// This process's certificate, for the DNS name that is its own name: by that the others know it, and
    /// what it may do. `{process}` in one of these paths stands for that name.
    #[schemars(extend("type-name" = "file"))]
    pub certificate: PathBuf,
    /// Its private key.
    #[schemars(extend("type-name" = "file"))]
    pub key: PathBuf,
}

impl InternalTlsConfig {
    /// What in a path stands for the name of the process.
    pub const PROCESS: &str = "{process}";

    /// A file as the process of this name knows it.
    #[must_use]
    pub fn file_of(file: &str, process: &str) -> String {
        file.replace(Self::PROCESS, process)
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogConfig {
    /// Lines for people or for machines.
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
    /// An OpenTelemetry collector's gRPC endpoint, `http://host:4317`. Without it no traces leave.
    #[schemars(extend("type-name" = "URL"))]
    pub otlp_endpoint: Option<String>,
}
