//! What a process needs once it is no longer root, and whether it has access then.

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, lchown};
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;
use schemars::JsonSchema;

use super::User;
use crate::config::{Loaded, NamedFile, Reference, SharedConfig, named_files};
use crate::{Endpoint, Error};

/// Files and folders that the process needs later. Collected while it is root, which sees everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Files read later.
    files: Vec<NamedFile>,
    /// Files read before root's rights are given up, and again when they change.
    renewed: Vec<NamedFile>,
    /// The folder of its Unix socket.
    sockets: Option<PathBuf>,
    /// Files needed to reach the database. Only some processes use one.
    database: Vec<PathBuf>,
}

impl Needs {
    pub(super) fn of<C: JsonSchema>(name: &str, loaded: &Loaded<C>) -> Self {
        let mut files = named_files(&loaded.values, &Reference::shared());
        files.extend(named_files(&loaded.values, &Reference::of::<C>(name)));
        let own = loaded.health_endpoint.as_deref();
        if !speaks_tcp(own, &loaded.shared) {
            files.retain(|named| !is_below(named, "internal-tls"));
        }
        // A process without mail listeners does not need their certificate.
        let (mut renewed, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|named| {
            is_below(named, "tls") || named.path.iter().any(|part| part == "listener")
        });
        if !loaded.has_listeners {
            renewed.clear();
        }
        Self {
            files,
            renewed,
            sockets: own.and_then(folder_of_socket),
            database: database_files(
                loaded.shared.database.url.as_deref().unwrap_or_default(),
                |name| std::env::var(name).ok(),
            ),
        }
    }

    /// Creates the folder of the process's socket if it is missing, and gives it to the user.
    pub(super) fn make_folder(&self, user: &User) -> Result<(), Error> {
        let Some(folder) = self.sockets.as_deref() else {
            return Ok(());
        };
        let error = |error| Error::file(folder, error);
        if let Some(above) = folder.parent() {
            let mut above_it = DirBuilder::new();
            above_it
                .recursive(true)
                .mode(0o755)
                .create(above)
                .map_err(error)?;
        }
        match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {}
            // Its owner is checked when it is used.
            Err(problem) if problem.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Err(problem) => return Err(error(problem)),
        }
        if let Err(error) = lchown(folder, Some(user.uid), Some(user.gid)) {
            // If this process cannot become that user either, it stays root.
            tracing::debug!(%error, folder = %folder.display(), "not given to the user");
        }
        Ok(())
    }

    /// Fails if the process, which is the user now, has no access to something it needs.
    pub(super) fn check(&self, user: &User) -> Result<(), Error> {
        let files = self.files.iter().filter_map(|named| unusable(named, user));
        let sockets = self
            .sockets
            .iter()
            .filter_map(|folder| closed(folder, user));
        let problems: Vec<String> = files.chain(sockets).collect();
        if !problems.is_empty() {
            return Err(Error::Config(problems.join("\n")));
        }
        for named in &self.renewed {
            if !is_readable(&named.file) {
                tracing::warn!(
                    file = %named.file.display(),
                    user = user.name,
                    "this file can be read by root alone: when it is renewed, the service has to be started \
                     again. Let the user read it (setfacl -m u:USER:r FILE, and x on the folders above), or \
                     copy it into the data folder's tls/ when it is renewed"
                );
            }
        }
        Ok(())
    }

    /// The same for the files needed to reach the database.
    pub(super) fn check_database(&self, user: &User) -> Result<(), Error> {
        let unreadable = self.database.iter().filter(|file| !is_readable(file));
        let problems: Vec<String> = unreadable
            .map(|file| closed_file("[database] url", file, user))
            .collect();
        match problems.as_slice() {
            [] => Ok(()),
            problems => Err(Error::Config(problems.join("\n"))),
        }
    }
}

fn is_below(named: &NamedFile, table: &str) -> bool {
    named.path.first().is_some_and(|first| first == table)
}

/// Whether it uses TCP, and so internal TLS, to talk to another process.
fn speaks_tcp(own: Option<&str>, shared: &SharedConfig) -> bool {
    let endpoints = &shared.endpoints;
    let all = [
        own,
        endpoints.queue.as_deref(),
        endpoints.mailbox_store.as_deref(),
    ];
    let all = all.into_iter().flatten();
    all.filter_map(|endpoints| Endpoint::several(endpoints).ok())
        .flatten()
        .any(|endpoint| matches!(endpoint, Endpoint::Tcp { .. }))
}

fn folder_of_socket(endpoint: &str) -> Option<PathBuf> {
    let Ok(Endpoint::Unix(socket)) = endpoint.parse() else {
        return None;
    };
    let folder = socket.parent()?;
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    Some(absolute(folder))
}

/// Files named by libpq's parameters and variables, and the default password file; only those that exist.
fn database_files(url: &str, environment: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    const PARAMETERS: [(&str, &str); 3] = [
        ("sslrootcert", "PGSSLROOTCERT"),
        ("sslcert", "PGSSLCERT"),
        ("sslkey", "PGSSLKEY"),
    ];
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let parameter = |name: &str| {
        let mut parameters = query.split('&').filter_map(|one| one.split_once('='));
        let value = parameters.find(|(key, _)| *key == name)?.1;
        Some(PathBuf::from(decoded(value)))
    };
    let variable = |name: &str| environment(name).map(PathBuf::from);
    let certificates = PARAMETERS
        .iter()
        .filter_map(|(key, name)| parameter(key).or_else(|| variable(name)));
    let passwords = variable("PGPASSFILE")
        .or_else(|| Some(variable("HOME")?.join(".pgpass")))
        .filter(|_| !has_password(url));
    certificates
        .chain(passwords)
        .filter(|file| file.is_file())
        .map(|file| absolute(&file))
        .collect()
}

/// Decodes percent-encoding (RFC 3986 §2.1).
fn decoded(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let encoded = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match encoded.filter(|_| first == b'%') {
            Some(octet) => {
                octets.push(octet);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                octets.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// `postgres://USER:PASSWORD@HOST`, or `?password=`.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || url.contains("password=")
}

/// The error for a file that the process cannot read or create.
fn unusable(named: &NamedFile, user: &User) -> Option<String> {
    let file = absolute(&named.file);
    match File::open(&file) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Some(closed_file(&named.key(), &file, user))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_made => {
            let folder = file.parent()?;
            is_closed(folder).then(|| {
                format!(
                    "{key}: {file} is to be made, and the user {user}, which this process has become since root \
                     started it, cannot write to {folder}. Give that folder to the user (chown {user} {folder}), or \
                     start the process as another user",
                    key = named.key(),
                    file = file.display(),
                    user = user.name,
                    folder = folder.display(),
                )
            })
        }
        // Other errors are reported by the file's reader.
        _ => None,
    }
}

fn closed_file(key: &str, file: &Path, user: &User) -> String {
    format!(
        "{key}: {file} cannot be read by the user {user}, which this process has become since root started it. Let \
         that user read it (setfacl -m u:{user}:r {file}, and x on the folders above), or start the process as a user \
         who can",
        file = file.display(),
        user = user.name,
    )
}

/// The error for the socket's folder, if the process cannot create a socket there.
fn closed(folder: &Path, user: &User) -> Option<String> {
    is_closed(folder).then(|| {
        format!(
            "the user {user}, which this process has become since root started it, cannot make its socket in {folder}. \
             Give that folder to the user (chown {user} {folder}, and x on the folders above), or start all services \
             as another user",
            user = user.name,
            folder = folder.display(),
        )
    })
}

/// Whether this process cannot create a file there.
fn is_closed(folder: &Path) -> bool {
    let access = rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK);
    matches!(access, Err(Errno::ACCESS | Errno::PERM))
}

fn is_readable(file: &Path) -> bool {
    File::open(file).is_ok()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests;
