//! The processes of the system, and the addresses of their health checks.

use service_kit::Endpoint;

use super::System;
use super::configuration::Configuration;

/// A process of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its section of the configuration.
    pub(crate) name: String,
    /// The address of its health check.
    pub(crate) endpoint: String,
    /// The configuration has only an address on the process's own machine, which may be another one.
    pub(crate) perhaps_elsewhere: bool,
}

/// The sections of `postern.toml` that are processes, in the order of a message's path.
const PROCESSES: [&str; 8] = [
    "smtp-server",
    "queue",
    "delivery",
    "mailbox-store",
    "imap",
    "pop3",
    "collector",
    "console",
];

impl Process {
    /// A process at the endpoint that clients use.
    fn found_at(name: &str, endpoint: String) -> Self {
        Self {
            name: name.to_owned(),
            endpoint,
            perhaps_elsewhere: false,
        }
    }
}

impl System {
    /// The configured processes; without a configuration the two that every system has.
    pub(crate) fn processes(&self) -> Vec<Process> {
        if !self.processes.is_empty() {
            return self.processes.clone();
        }
        [
            ("queue", &self.queue),
            ("mailbox-store", &self.mailbox_store),
        ]
        .map(|(name, endpoint)| Process::found_at(name, endpoint.clone()))
        .to_vec()
    }
}

/// The configured processes. `queue` is the queue's endpoint.
pub(super) fn processes(configuration: &Configuration<'_>, queue: &str) -> Vec<Process> {
    // On one machine the services use Unix sockets.
    let one_machine = queue.starts_with("unix:");
    let found = |name: &&str| {
        if let Some(endpoint) = configuration.setting("endpoints", name) {
            return Some(Process::found_at(name, configuration.located(endpoint)));
        }
        let own = configuration
            .setting(name, "health")
            .or_else(|| configuration.setting(name, "listen"))?;
        Some(Process {
            perhaps_elsewhere: !one_machine,
            ..Process::found_at(name, on_loopback(configuration.located(own)))
        })
    };
    PROCESSES.iter().filter_map(found).collect()
}

/// A process that listens on all addresses is checked on the loopback address.
fn on_loopback(listen: String) -> String {
    match listen.parse() {
        Ok(Endpoint::Tcp { host, port }) if matches!(host.as_str(), "0.0.0.0" | "::") => {
            format!("https://localhost:{port}")
        }
        _ => listen,
    }
}
