//! Reading of `postern.toml` what a command needs to find the system. What it does not say is where `postern up` puts
//! it.

use std::path::{Path, PathBuf};

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
        let value = self.table.get(section)?.get(key)?.as_str()?;
        Some(value.to_owned())
    }

    /// What a variable or the file says.
    pub(super) fn setting(&self, section: &str, key: &str) -> Option<String> {
        (self.environment)(&variable(section, key)).or_else(|| self.value(section, key))
    }

    /// An endpoint with the whole path of its socket.
    pub(super) fn located(&self, endpoint: String) -> String {
        match endpoint.strip_prefix("unix:") {
            Some(path) => format!("unix:{}", self.folder.join(path).display()),
            None => endpoint,
        }
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
