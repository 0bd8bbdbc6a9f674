//! Loads the configuration: file, then environment, then conversion to types.

use std::net::SocketAddr;
use std::path::Path;

use figment::value::{Dict, Value};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::range::out_of_range;
use super::source::Source;
use super::{InternalTlsConfig, KitKeys, PROCESSES, Reference, SharedConfig, addresses, extract};
use crate::{Endpoint, Error, logging};

/// The configuration of a process.
#[derive(Debug)]
pub(crate) struct Loaded<C> {
    pub(crate) shared: SharedConfig,
    /// The process's own section.
    pub(crate) own: C,
    /// `metrics` of the section: address of the Prometheus listener.
    pub(crate) metrics: Option<SocketAddr>,
    /// `health` of the section: endpoint of the health service in a process without gRPC services.
    pub(crate) health: Option<String>,
    /// `health`, or else `listen`: the endpoint that `--health` asks.
    pub(crate) health_endpoint: Option<String>,
    /// Whether it has mail listeners.
    pub(crate) has_listeners: bool,
    /// All values of the configuration.
    pub(crate) values: Dict,
}

/// Reads the configuration of process `name`. Paths in it are relative to the folder of `file`.
pub(crate) fn load<C: DeserializeOwned + JsonSchema>(
    name: &str,
    file: &Path,
    file_required: bool,
    environment: &[(String, String)],
) -> Result<Loaded<C>, Error> {
    let source = Source::read(file, file_required, environment)?;
    examine(&source, name).map_err(|problems| {
        let lines: Vec<String> = problems
            .iter()
            .map(|problem| source.describe(problem))
            .collect();
        Error::Config(lines.join("\n"))
    })
}

/// The configuration of process `name`, or all errors in it.
pub(crate) fn examine<C: DeserializeOwned + JsonSchema>(
    source: &Source,
    name: &str,
) -> Result<Loaded<C>, Vec<Problem>> {
    let mut problems = Vec::new();
    let values = as_read_by(name, source.values());
    let mut all = values.clone();
    let mut section = match all.remove(name) {
        None => Dict::new(),
        Some(Value::Dict(_, section)) => section,
        Some(_) => {
            let text = format!("must be a section: [{name}]");
            return Err(vec![Problem::new(&[name], text)]);
        }
    };
    for process in PROCESSES {
        all.remove(process);
    }
    let mut shared: Option<SharedConfig> = extract::all(all, &[], &PROCESSES, &mut problems);
    let threads = take(&mut section, name, "threads", &mut problems);
    if let (Some(shared), Some(threads)) = (&mut shared, threads) {
        shared.threads = Some(threads);
    }
    let delay = take(&mut section, name, "drain-delay-seconds", &mut problems);
    if let (Some(shared), Some(seconds)) = (&mut shared, delay) {
        shared.drain_delay_seconds = Some(seconds);
    }
    let metrics = take(&mut section, name, "metrics", &mut problems);
    let health: Option<String> = take(&mut section, name, "health", &mut problems);
    // `listen` stays: it belongs to services that have such a key.
    let listen = section
        .get("listen")
        .and_then(|value| value.as_str())
        .map(str::to_owned);
    let listeners = section.get("listener").and_then(Value::as_array);
    let has_listeners = listeners.is_some_and(|listeners| !listeners.is_empty());
    let own = extract::all(section, &[name], &extract::KITS_KEYS, &mut problems);
    check_texts(name, shared.as_ref(), [&health, &listen], &mut problems);
    for reference in [
        Reference::shared(),
        Reference::of::<KitKeys>(name),
        Reference::of::<C>(name),
    ] {
        problems.extend(out_of_range(source.values(), &reference));
    }
    if let Some(shared) = &shared {
        problems.extend(addresses::taken_twice(source.values(), name, shared));
    }
    match (shared, own) {
        (Some(shared), Some(own)) if problems.is_empty() => Ok(Loaded {
            shared,
            own,
            metrics,
            health_endpoint: health.clone().or(listen),
            health,
            has_listeners,
            values,
        }),
        _ => Err(problems),
    }
}

/// The values, with the process's own files in `[internal-tls]`.
fn as_read_by(name: &str, values: &Dict) -> Dict {
    let mut values = values.clone();
    if let Some(Value::Dict(_, table)) = values.get_mut("internal-tls") {
        for value in table.values_mut() {
            if let Value::String(_, file) = value {
                *file = InternalTlsConfig::file_of(file, name);
            }
        }
    }
    values
}

fn take<T: DeserializeOwned>(
    section: &mut Dict,
    name: &str,
    key: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let value = section.remove(key)?;
    match value.deserialize::<T>() {
        Ok(value) => Some(value),
        Err(error) => {
            problems.push(Problem::of(&[name, key], error, &[]));
            None
        }
    }
}

/// Checks texts that have a form.
fn check_texts(
    name: &str,
    shared: Option<&SharedConfig>,
    [health, listen]: [&Option<String>; 2],
    problems: &mut Vec<Problem>,
) {
    let mut endpoint = |path: [&str; 2], text: &Option<String>| {
        if let Some(Err(error)) = text.as_ref().map(|text| text.parse::<Endpoint>()) {
            problems.push(Problem::new(&path, error.to_string()));
        }
    };
    endpoint([name, "health"], health);
    endpoint([name, "listen"], listen);
    let Some(shared) = shared else { return };
    let mut endpoint = |path: [&str; 2], text: &Option<String>| {
        if let Some(Err(error)) = text.as_deref().map(Endpoint::several) {
            problems.push(Problem::new(&path, error.to_string()));
        }
    };
    let endpoints = &shared.endpoints;
    for (service, text) in [
        ("queue", &endpoints.queue),
        ("mailbox-store", &endpoints.mailbox_store),
        ("smtp-server", &endpoints.smtp_server),
        ("delivery", &endpoints.delivery),
        ("imap", &endpoints.imap),
        ("pop3", &endpoints.pop3),
        ("collector", &endpoints.collector),
    ] {
        endpoint(["endpoints", service], text);
    }
    if let Err(error) = logging::filter(&shared.log.level) {
        problems.push(Problem::new(&["log", "level"], error));
    }
    if let Some(endpoint) = &shared.telemetry.otlp_endpoint
        && let Err(error) = logging::check_endpoint(endpoint)
    {
        problems.push(Problem::new(&["telemetry", "otlp-endpoint"], error));
    }
    if let Some(url) = &shared.database.url
        && !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
    {
        // It may hold a password, so it is not shown.
        let text = "is no address of a database: write postgres://USER@HOST/NAME".to_owned();
        problems.push(Problem::new(&["database", "url"], text));
    }
}

#[cfg(test)]
mod tests;
