//! A running system: the addresses of its services, channels to them, and its configuration.

mod channels;
mod configuration;
mod discovery;
mod health;
mod listeners;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rules::InterfaceSetting;
use service_kit::Endpoint;
use service_kit::config::InternalTlsConfig;

use crate::Error;
pub(crate) use channels::Deadline;
use channels::SILENCE;
use configuration::Configuration;
use discovery::Process;
use listeners::SmtpListener;

/// Default DNS timeout of the SMTP server, in seconds.
const DNS_TIMEOUT: u64 = 10;

/// A running system: the services' endpoints.
#[derive(Debug)]
pub struct System {
    queue: String,
    mailbox_store: String,
    internal_tls: Option<InternalTlsConfig>,
    /// The data folder, if it does not exist and the configured endpoints are in it.
    no_folder: Option<PathBuf>,
    /// See [`SILENCE`].
    silence: Duration,
    /// The processes and the addresses of their health checks, as far as configured.
    processes: Vec<Process>,
    /// The system's host name.
    pub(crate) hostname: String,
    /// The SMTP server's listeners, as far as configured.
    listeners: Vec<SmtpListener>,
    /// The interface classes configured for the SMTP server.
    pub(crate) interfaces: Vec<InterfaceSetting>,
    /// The resolver of the SMTP server; default: the system's.
    pub(crate) resolver: Option<SocketAddr>,
    /// The DNS timeout of the SMTP server, in seconds.
    pub(crate) dns_timeout: u64,
}

impl System {
    /// Finds the system by a configuration file, otherwise by its data folder.
    ///
    /// # Errors
    /// If the file cannot be read or is invalid.
    pub fn find(data: &Path, config: Option<&Path>) -> Result<Self, Error> {
        let (file, required) = match config {
            Some(file) => (file.to_owned(), true),
            None => (data.join("postern.toml"), false),
        };
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => {
                String::new()
            }
            Err(error) => {
                let reason = format!("{} cannot be read: {error}", file.display());
                return Err(Error::Configuration(reason));
            }
        };
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut system = Self::read(&text, data, folder, |name| std::env::var(name).ok())
            .map_err(|reason| Error::Configuration(format!("{}: {reason}", file.display())))?;
        // The configuration or the environment may name endpoints elsewhere.
        let is_in_folder = |path: &Path| {
            let endpoints = Endpoint::several(&system.queue).unwrap_or_default();
            let mut endpoints = endpoints.iter();
            endpoints.any(|one| matches!(one, Endpoint::Unix(socket) if socket.starts_with(path)))
        };
        system.no_folder = std::path::absolute(data)
            .ok()
            .filter(|path| !path.exists() && is_in_folder(path));
        Ok(system)
    }

    /// Checks that the data folder exists, unless the endpoints are elsewhere.
    ///
    /// # Errors
    /// If the folder does not exist.
    pub fn require_folder(&self) -> Result<(), Error> {
        match &self.no_folder {
            None => Ok(()),
            Some(folder) => Err(Error::Unavailable(format!(
                "there is no system at {}: the folder does not exist. Start one by `postern up`, or say \
                 where it is by --data or --config",
                folder.display()
            ))),
        }
    }

    /// Reads a configuration; missing values are the defaults of `postern up`. Paths are relative to
    /// `folder`, the file's folder. Environment variables have precedence.
    ///
    /// # Errors
    /// The errors of the configuration.
    pub fn read(
        text: &str,
        data: &Path,
        folder: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let configuration = Configuration::read(text, data, folder, &environment)?;
        let queue = configuration.endpoint("queue");
        let smtp_server = configuration.smtp_server()?;
        Ok(Self {
            mailbox_store: configuration.endpoint("mailbox-store"),
            internal_tls: configuration.internal_tls(),
            no_folder: None,
            silence: SILENCE,
            processes: discovery::processes(&configuration, &queue),
            queue,
            listeners: smtp_server.listener,
            interfaces: smtp_server.interface,
            resolver: smtp_server.resolver,
            dns_timeout: smtp_server.dns_timeout_seconds.unwrap_or(DNS_TIMEOUT),
            hostname: configuration.hostname(),
        })
    }
}

#[cfg(test)]
mod tests;
