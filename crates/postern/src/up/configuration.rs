//! `postern.toml`: written on the first run, kept afterwards.
//!
//! Values that only `up` knows (sockets, the database, the certificate that it created) are updated on
//! every start; addresses only if the command line gives them; everything else, with comments, belongs to
//! the administrator.

mod listeners;
mod relocation;
#[cfg(test)]
mod tests;

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use toml_edit::{DocumentMut, Item, Table, value};

use super::folder::Folder;
use super::ports::Ports;
use super::services::{Kind, SERVICES, Tier};

const FIRST: &str = "\
# Postern's configuration: what its processes need to start. Which domains there are, who may
# relay, and the like is policy: see `postern policy --help`.
#
# Paths are relative to this file's folder. `postern config check` checks this file,
# `postern config reference` explains every key.
#
# `postern up` brings [endpoints], database.url and the sockets up to date on every start, the
# listeners' addresses when it is given --listen, and their ports when it is given --port-base. The
# rest is yours.

# The name this system goes by in greetings and trace headers; the machine's name if not given.
# hostname = \"mail.example.test\"

[log]
format = \"text\"    # or \"json\"
level = \"info\"
";

/// The configuration of the services.
#[derive(Debug)]
pub(super) struct Configuration {
    path: PathBuf,
    document: DocumentMut,
}

/// A configured listener.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listening {
    pub(super) service: &'static str,
    pub(super) address: SocketAddr,
    pub(super) tls: String,
    pub(super) role: Option<String>,
}

impl Configuration {
    /// Reads or creates the file, and updates it.
    pub(super) fn prepare(
        folder: &Folder,
        ports: Option<Ports>,
        url: Option<&str>,
    ) -> anyhow::Result<Self> {
        let (mut configuration, old) = Self::read(folder.configuration())?;
        configuration.bring_up_to_date(folder, ports, url)?;
        let new = configuration.document.to_string();
        if old.as_deref() != Some(&new) {
            configuration.write(&new)?;
        }
        configuration.certificate(folder)?;
        Ok(configuration)
    }

    /// The file or its initial content; and its text, if it exists.
    fn read(path: PathBuf) -> anyhow::Result<(Self, Option<String>)> {
        let old = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let document = old
            .as_deref()
            .unwrap_or(FIRST)
            .parse()
            .with_context(|| format!("{} is not valid TOML", path.display()))?;
        Ok((Self { path, document }, old))
    }

    /// The addresses of a system with this configuration. Nothing is written.
    pub(super) fn addresses(
        path: PathBuf,
        ports: Option<Ports>,
    ) -> anyhow::Result<Vec<SocketAddr>> {
        let (mut configuration, _) = Self::read(path)?;
        configuration.bring_addresses_up_to_date(ports)?;
        let mail = configuration.listeners().into_iter();
        let metrics = configuration.metrics().into_iter();
        let metrics = metrics.map(|(_, address)| address);
        Ok(mail
            .map(|listening| listening.address)
            .chain(metrics)
            .collect())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The address of a service's health check.
    pub(super) fn health_endpoint(folder: &Folder, kind: &Kind) -> String {
        format!("unix:{}", folder.socket(kind.name).display())
    }

    /// All listeners for mail, in the order of the services.
    pub(super) fn listeners(&self) -> Vec<Listening> {
        SERVICES
            .iter()
            .flat_map(|kind| self.listeners_of(kind.name))
            .collect()
    }

    fn listeners_of(&self, service: &'static str) -> Vec<Listening> {
        let tables = self
            .document
            .get(service)
            .and_then(|section| section.get("listener"));
        let tables = tables.and_then(Item::as_array_of_tables);
        tables
            .into_iter()
            .flatten()
            .filter_map(|table| {
                let text = |key: &str| Some(table.get(key)?.as_str()?.to_owned());
                let address = text("address")?.parse().ok()?;
                // Missing values are the defaults of the services.
                let has_role = service == "smtp-server";
                let role = text("role").or_else(|| has_role.then(|| "mx".to_owned()));
                Some(Listening {
                    service,
                    address,
                    tls: text("tls").unwrap_or_else(|| "starttls".to_owned()),
                    role,
                })
            })
            .collect()
    }

    /// The address of each service's metrics.
    pub(super) fn metrics(&self) -> Vec<(&'static str, SocketAddr)> {
        SERVICES
            .iter()
            .filter_map(|kind| {
                let address = self.document.get(kind.name)?.get("metrics")?.as_str()?;
                Some((kind.name, address.parse().ok()?))
            })
            .collect()
    }

    fn bring_up_to_date(
        &mut self,
        folder: &Folder,
        asked: Option<Ports>,
        url: Option<&str>,
    ) -> anyhow::Result<()> {
        relocation::relocate(&mut self.document, folder.root());
        let data = folder.within(&folder.database());
        let database = self.section("database")?;
        if let Some(url) = url {
            database.insert("url", value(url));
            database.insert("data-path", value(&data));
        } else {
            // The database is elsewhere now.
            remove_if(database, "data-path", &data);
        }
        let endpoints = self.section("endpoints")?;
        for name in ["queue", "mailbox-store"] {
            endpoints.insert(
                name,
                value(format!("unix:{}", folder.within(&folder.socket(name)))),
            );
        }
        let tls = self.section("tls")?;
        set_missing(tls, "certificate", &folder.within(&folder.certificate()));
        set_missing(tls, "key", &folder.within(&folder.key()));
        let secrets = folder.within(&folder.secrets_key());
        let queue = self.section("queue")?;
        set_missing(queue, "secret-key-file", &secrets);
        // The section in which older versions wrote it.
        remove_if(queue, "data-path", &data);
        for kind in SERVICES {
            let own = self.section(kind.name)?;
            let key = if matches!(kind.tier, Tier::Queue | Tier::MailboxStore) {
                "listen"
            } else {
                "health"
            };
            let socket = folder.within(&folder.socket(kind.name));
            own.insert(key, value(format!("unix:{socket}")));
        }
        self.bring_addresses_up_to_date(asked)
    }

    fn bring_addresses_up_to_date(&mut self, asked: Option<Ports>) -> anyhow::Result<()> {
        for (n, kind) in SERVICES.iter().enumerate() {
            let n = u16::try_from(n + 1).unwrap_or_default();
            let own = self.section(kind.name)?;
            let metrics = own.get("metrics").and_then(Item::as_str);
            let metrics = metrics.and_then(|old| old.parse().ok());
            match (metrics, asked) {
                (Some(old), Some(ports)) => {
                    listeners::set(own, "metrics", &ports.metrics_moved(n, old).to_string());
                }
                (None, _) if !own.contains_key("metrics") => {
                    let ports = asked.unwrap_or_default();
                    own.insert("metrics", value(ports.metrics(n).to_string()));
                }
                _ => {}
            }
            listeners::prepare(own, kind, asked);
        }
        Ok(())
    }

    fn section(&mut self, name: &str) -> anyhow::Result<&mut Table> {
        self.document
            .entry(name)
            .or_insert_with(|| Item::Table(Table::new()))
            .as_table_mut()
            .with_context(|| format!("`{name}` in the configuration must be a section"))
    }

    /// Written beside, then renamed, so that no service reads half a file. It may contain a database
    /// password.
    fn write(&self, text: &str) -> anyhow::Result<()> {
        let beside = self.path.with_extension("toml.new");
        std::fs::write(&beside, text)
            .and_then(|()| std::fs::set_permissions(&beside, Permissions::from_mode(0o600)))
            .and_then(|()| std::fs::rename(&beside, &self.path))
            .with_context(|| format!("writing {}", self.path.display()))
    }

    /// A self-signed certificate, until the administrator replaces it. If only one half exists, the
    /// administrator must restore the other: a new pair would overwrite the existing half.
    fn certificate(&self, folder: &Folder) -> anyhow::Result<()> {
        let (certificate, key) = (folder.certificate(), folder.key());
        match (certificate.exists(), key.exists()) {
            (true, true) => return Ok(()),
            (true, false) => return half_missing(&key, &certificate),
            (false, true) => return half_missing(&certificate, &key),
            (false, false) => {}
        }
        let hostname = self
            .document
            .get("hostname")
            .and_then(Item::as_str)
            .map(str::to_owned);
        let names: Vec<String> = hostname
            .or_else(machine_name)
            .into_iter()
            .chain(["localhost", "127.0.0.1", "::1"].map(str::to_owned))
            .collect();
        service_kit::certificates::self_signed(&names)
            .and_then(|pair| pair.write(&certificate, &key))
            .context("making a certificate for the mail listeners")
    }
}

fn half_missing(missing: &Path, left: &Path) -> anyhow::Result<()> {
    bail!(
        "{} is missing, but {} is there, and neither is of use alone. Put the missing file back, or move the other \
         away to have a new self-signed certificate made",
        missing.display(),
        left.display()
    )
}

/// Removes a value written by `up`; values of the administrator stay.
fn remove_if(section: &mut Table, key: &str, text: &str) {
    if section.get(key).and_then(Item::as_str) == Some(text) {
        section.remove(key);
    }
}

fn set_missing(table: &mut Table, key: &str, text: &str) {
    if !table.contains_key(key) {
        table.insert(key, value(text));
    }
}

fn machine_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim().to_ascii_lowercase();
    (!name.is_empty() && name != "localhost").then_some(name)
}
