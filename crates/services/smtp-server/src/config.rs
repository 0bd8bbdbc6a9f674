//! The section `[smtp-server]` of the configuration.

use std::net::SocketAddr;

use rules::ListenerClass;
use serde::Deserialize;

/// What the process needs to start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where to listen.
    pub listener: Vec<ListenerConfig>,
    /// Connections at a time on each listener.
    pub max_connections: usize,
    /// Connections at a time from one address on each listener.
    pub max_connections_per_address: usize,
    /// Messages of one connection.
    pub max_messages_per_connection: u32,
    /// Seconds of silence before a command (RFC 5321 §4.5.3.2.7: at least 300).
    pub command_timeout_seconds: u64,
    /// Seconds of silence within a message (RFC 5321 §4.5.3.2.5: at least 180).
    pub data_timeout_seconds: u64,
    /// Badly written or misplaced commands after which a connection is closed.
    pub max_bad_commands: u32,
    /// Refusals after which a connection is closed.
    pub max_refusals: u32,
    /// Failed logins after which a connection is closed.
    pub max_failed_logins: u32,
    /// Octets of one line of a message's text.
    pub max_text_line: usize,
    /// Received headers after which a message is taken to run in a circle (RFC 5321 §6.3: at
    /// least 100).
    pub max_hops: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listener: Vec::new(),
            max_connections: 2000,
            max_connections_per_address: 200,
            max_messages_per_connection: 10_000,
            command_timeout_seconds: 300,
            data_timeout_seconds: 180,
            max_bad_commands: 10,
            max_refusals: 100,
            max_failed_logins: 3,
            max_text_line: 1024 * 1024,
            max_hops: 100,
        }
    }
}

/// One address to listen on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ListenerConfig {
    /// Address and port.
    pub address: SocketAddr,
    /// What it is called in rules and in the history; the address when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// For whom it is.
    #[serde(default)]
    pub role: Role,
    /// How it is protected.
    #[serde(default)]
    pub tls: TlsMode,
    /// To which network it belongs.
    #[serde(default)]
    pub class: ListenerClass,
    /// Take passwords without TLS.
    #[serde(default)]
    pub plaintext_auth: bool,
}

/// For whom a listener is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Other servers.
    #[default]
    Mx,
    /// People's programs, behind a login (RFC 6409).
    Submission,
}

impl Role {
    /// As `Origin.component` names it.
    pub(crate) fn component(self) -> &'static str {
        match self {
            Self::Mx => "smtp",
            Self::Submission => "submission",
        }
    }
}

/// How a listener is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// STARTTLS is offered where there is a certificate.
    #[default]
    Starttls,
    /// TLS from the first octet (RFC 8314).
    Implicit,
    /// Not at all.
    None,
}
