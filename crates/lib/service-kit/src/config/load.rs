//! Reading the configuration: file, then environment, then into types.

use std::net::SocketAddr;
use std::path::Path;

use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use super::SharedConfig;
use crate::Error;

/// Sections that belong to one process each; all other top-level keys are shared.
const PROCESSES: [&str; 9] = [
    "queue",
    "mailbox-store",
    "smtp-server",
    "delivery",
    "imap",
    "pop3",
    "collector",
    "console",
    "up",
];

const PREFIX: &str = "POSTERN_";

/// A process's configuration.
#[derive(Debug)]
pub(crate) struct Loaded<C> {
    pub(crate) shared: SharedConfig,
    /// The process's own section.
    pub(crate) own: C,
    /// `metrics` of the section: where Prometheus asks.
    pub(crate) metrics: Option<SocketAddr>,
    /// `health` of the section: where a process without gRPC services answers for its health.
    pub(crate) health: Option<String>,
    /// `health`, or else `listen`: where `--health` asks.
    pub(crate) health_endpoint: Option<String>,
}

/// The variables of the environment that are configuration.
pub(crate) fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// Reads the configuration of process `name`.
pub(crate) fn load<C: DeserializeOwned>(
    name: &str,
    file: &Path,
    file_required: bool,
    environment: &[(String, String)],
) -> Result<Loaded<C>, Error> {
    let mut all = merge(file, file_required, environment)?;
    let mut section = match all.remove(name) {
        None => Dict::new(),
        Some(Value::Dict(_, section)) => section,
        Some(_) => return Err(Error::Config(format!("`{name}` must be a section"))),
    };
    for process in PROCESSES {
        all.remove(process);
    }
    let mut shared: SharedConfig = extract(all, None)?;
    if let Some(threads) = take(&mut section, name, "threads")? {
        shared.threads = Some(threads);
    }
    if let Some(seconds) = take(&mut section, name, "drain-delay-seconds")? {
        shared.drain_delay_seconds = Some(seconds);
    }
    let metrics = take::<SocketAddr>(&mut section, name, "metrics")?;
    let health = take::<String>(&mut section, name, "health")?;
    // `listen` stays: it belongs to those services that have one.
    let listen = section.get("listen").and_then(|value| value.as_str());
    let health_endpoint = health.clone().or(listen.map(str::to_owned));
    Ok(Loaded {
        shared,
        own: extract(section, Some(name))?,
        metrics,
        health,
        health_endpoint,
    })
}

fn merge(
    file: &Path,
    file_required: bool,
    environment: &[(String, String)],
) -> Result<Dict, Error> {
    let mut figment = Figment::new();
    match std::fs::read_to_string(file) {
        Ok(text) => figment = figment.merge(Toml::string(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !file_required => {}
        Err(error) => return Err(Error::file(file, error)),
    }
    for (name, text) in environment {
        let Some(path) = path_of_variable(name) else {
            continue;
        };
        let Ok(value) = text.parse::<Value>();
        figment = figment.merge((path, value));
    }
    figment
        .extract()
        .map_err(|error| Error::Config(format!("{}: {error}", file.display())))
}

/// `POSTERN_SMTP_SERVER__MAX_CONNECTIONS` is `smtp-server.max-connections`. Variables without
/// `__` belong to the command line, but for the two that are in everyone's fingers.
fn path_of_variable(name: &str) -> Option<String> {
    let name = name.strip_prefix(PREFIX)?;
    match name {
        "DATABASE_URL" => Some("database.url".to_owned()),
        "HOSTNAME" => Some("hostname".to_owned()),
        _ if name.contains("__") => Some(
            name.to_ascii_lowercase()
                .replace("__", ".")
                .replace('_', "-"),
        ),
        _ => None,
    }
}

fn take<T: DeserializeOwned>(
    section: &mut Dict,
    name: &str,
    key: &str,
) -> Result<Option<T>, Error> {
    let Some(value) = section.remove(key) else {
        return Ok(None);
    };
    match value.deserialize::<T>() {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(Error::Config(format!("{name}.{key}: {error}"))),
    }
}

fn extract<T: DeserializeOwned>(dict: Dict, section: Option<&str>) -> Result<T, Error> {
    Value::from(dict).deserialize::<T>().map_err(|error| {
        let at = section.map(|name| format!("[{name}] ")).unwrap_or_default();
        Error::Config(format!("{at}{error}"))
    })
}

#[cfg(test)]
mod tests;
