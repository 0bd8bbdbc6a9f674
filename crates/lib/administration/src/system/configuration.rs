//! Reads from `postern.toml` the values that a command needs to find the system. Missing values are the
//! defaults of `postern up`.

use std::path::{Path, PathBuf};

use service_kit::Endpoint;
use service_kit::config::InternalTlsConfig;

use super::listeners::SmtpServer;

/// The command line's name in certificates.
const COMMAND_LINE: &str = "postern";

/// A configuration with the environment variables, which have precedence.
pub(super) struct Configuration<'a> {
    table: toml::Table,
    data: PathBuf,
    /// The file's folder: paths are relative to it.
    folder: PathBuf,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Configuration<'a> {
    pub(super) fn read(
        text: &str,
        data: &Path,
        folder: &Path,
        environment: &'a dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self {
            table: text.parse().map_err(|error| format!("{error}"))?,
            data: absolute(data),
            folder: absolute(folder),
            environment,
        })
    }

    /// The value in the file.
    fn value(&self, section: &str, key: &str) -> Option<String> {
        match self.table.get(section)?.get(key)? {
            toml::Value::String(text) => Some(text.clone()),
            // Several endpoints.
            toml::Value::Array(texts) => {
                let texts: Option<Vec<_>> = texts.iter().map(toml::Value::as_str).collect();
                Some(texts?.join(","))
            }
            _ => None,
        }
    }

    /// The value of a variable or in the file.
    pub(super) fn setting(&self, section: &str, key: &str) -> Option<String> {
        (self.environment)(&variable(section, key)).or_else(|| self.value(section, key))
    }

    /// Endpoints with absolute socket paths.
    pub(super) fn located(&self, endpoints: String) -> String {
        let Ok(several) = Endpoint::several(&endpoints) else {
            return endpoints;
        };
        let located = several.into_iter().map(|endpoint| match endpoint {
            Endpoint::Unix(path) => format!("unix:{}", self.folder.join(path).display()),
            tcp => tcp.to_string(),
        });
        located.collect::<Vec<_>>().join(",")
    }

    /// The endpoint of a service.
    pub(super) fn endpoint(&self, service: &str) -> String {
        match self.setting("endpoints", service) {
            Some(endpoint) => self.located(endpoint),
            None => {
                let socket = self.data.join(format!("run/{service}.sock"));
                format!("unix:{}", socket.display())
            }
        }
    }

    pub(super) fn internal_tls(&self) -> Option<InternalTlsConfig> {
        let path = |key: &str| {
            let file = self.value("internal-tls", key)?;
            Some(
                self.folder
                    .join(InternalTlsConfig::file_of(&file, COMMAND_LINE)),
            )
        };
        Some(InternalTlsConfig {
            ca: path("ca")?,
            certificate: path("certificate")?,
            key: path("key")?,
        })
    }

    pub(super) fn smtp_server(&self) -> Result<SmtpServer, String> {
        match self.table.get("smtp-server") {
            Some(section) => section.clone().try_into().map_err(|e| format!("{e}")),
            None => Ok(SmtpServer::default()),
        }
    }

    /// The system's host name.
    pub(super) fn hostname(&self) -> String {
        let hostname = self.table.get("hostname").and_then(toml::Value::as_str);
        hostname.map_or_else(machine_name, str::to_owned)
    }
}

/// `POSTERN_SMTP_SERVER__HEALTH` is `smtp-server.health`.
fn variable(section: &str, key: &str) -> String {
    format!("POSTERN_{section}__{key}")
        .replace('-', "_")
        .to_ascii_uppercase()
}

fn machine_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}
