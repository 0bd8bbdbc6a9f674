//! The SMTP server's listeners, as far as configured.

use std::net::SocketAddr;

use rules::{InterfaceSetting, ListenerClass, ListenerRole};
use serde::Deserialize;

use super::System;
use crate::Error;

/// The parsed part of the section `[smtp-server]`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SmtpServer {
    #[serde(default)]
    pub(super) listener: Vec<SmtpListener>,
    #[serde(default)]
    pub(super) interface: Vec<InterfaceSetting>,
    pub(super) resolver: Option<SocketAddr>,
    pub(super) dns_timeout_seconds: Option<u64>,
}

/// The parsed part of one listener.
#[derive(Debug, Deserialize)]
pub(super) struct SmtpListener {
    address: Option<String>,
    name: Option<String>,
    #[serde(default)]
    class: ListenerClass,
    #[serde(default)]
    role: ListenerRole,
    tls: Option<String>,
}

impl SmtpListener {
    /// Its name in rules: its address unless it has a name.
    fn name(&self) -> Option<&str> {
        self.name.as_deref().or(self.address.as_deref())
    }
}

impl System {
    /// The address for mail from other servers, if configured: the first listener for them without implicit
    /// TLS.
    pub fn smtp(&self) -> Option<SocketAddr> {
        let plain = self.listeners.iter().find(|listener| {
            listener.role == ListenerRole::Mx && listener.tls.as_deref() != Some("implicit")
        });
        plain?.address.as_ref()?.parse().ok()
    }

    /// Checks that the SMTP server's configuration, if it has listeners, has one of this name.
    ///
    /// # Errors
    /// If it has none of this name. The error lists the names.
    pub fn require_listener(&self, name: &str) -> Result<(), Error> {
        let names: Vec<&str> = self
            .listeners
            .iter()
            .filter_map(SmtpListener::name)
            .collect();
        if names.is_empty() || names.contains(&name) {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "the configuration has no listener {name} of the SMTP server: it has {}. Name one of them, or \
             say --class and --role",
            names.join(", ")
        )))
    }

    /// The role of the SMTP server's listener of this name, if configured.
    pub(crate) fn role_of(&self, listener: &str) -> Option<ListenerRole> {
        Some(self.listener(listener)?.role)
    }

    /// The class of the SMTP server's listener of this name, if configured.
    pub(crate) fn class_of(&self, listener: &str) -> Option<ListenerClass> {
        Some(self.listener(listener)?.class)
    }

    fn listener(&self, name: &str) -> Option<&SmtpListener> {
        self.listeners
            .iter()
            .find(|listener| listener.name() == Some(name))
    }
}
