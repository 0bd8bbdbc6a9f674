//! Reading of `postern.toml` what a command needs to find the system. What it does not say is where `postern up` puts
//! it.

use std::path::{Path, PathBuf};

use service_kit::Endpoint;
use service_kit::config::InternalTlsConfig;

use super::listeners::SmtpServer;

/// Its name in certificates.
const COMMAND_LINE: &str = "postern";

/// A configuration and the variables of the environment, which come first.
pub(super) struct Configuration<'a> {
    table: toml::Table,
    data: PathBuf,
    /// That of the file: paths are relative to it.
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

    /// What the file says.
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

    /// What a variable or the file says.
    pub(super) fn setting(&self, section: &str, key: &str) -> Option<String> {
        (self.environment)(&variable(section, key)).or_else(|| self.value(section, key))
    }

    /// Endpoints with the whole paths of their sockets.
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

    /// Where a service is that others ask.
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

    /// The name that the system goes by.
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
