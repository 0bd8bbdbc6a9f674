//! The SMTP server's listeners, as far as the configuration says.

use std::net::SocketAddr;

use rules::{InterfaceSetting, ListenerClass, ListenerRole};
use serde::Deserialize;

use super::System;

/// What is read of the section `[smtp-server]`.
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

/// What is read of one of its listeners.
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
    /// What it is called in rules: by its address unless it has a name.
    fn name(&self) -> Option<&str> {
        self.name.as_deref().or(self.address.as_deref())
    }
}

impl System {
    /// Where other servers bring mail, if the configuration says: the first listener for them that
    /// begins without TLS.
    pub fn smtp(&self) -> Option<SocketAddr> {
        let plain = self.listeners.iter().find(|listener| {
            listener.role == ListenerRole::Mx && listener.tls.as_deref() != Some("implicit")
        });
        plain?.address.as_ref()?.parse().ok()
    }

    /// For whom the SMTP server's listener of this name is, if the configuration has it.
    pub(crate) fn role_of(&self, listener: &str) -> Option<ListenerRole> {
        let named = |known: &&SmtpListener| known.name() == Some(listener);
        Some(self.listeners.iter().find(named)?.role)
    }

    /// The class of the SMTP server's listener of this name, if the configuration has it.
    pub(crate) fn class_of(&self, listener: &str) -> Option<ListenerClass> {
        let named = |known: &&SmtpListener| known.name() == Some(listener);
        Some(self.listeners.iter().find(named)?.class)
    }
}
