//! The data folder: its contents and permissions, and a lock so that only one system runs in it.
//!
//! ```text
//! DIR/postern.toml          configuration, written on the first run
//! DIR/lock                  held while the system runs
//! DIR/tls/                  certificate.pem, key.pem of the mail listeners
//! DIR/secrets/              the key under which the policy's secrets are stored
//! DIR/postgres/             the private Postgres; DIR/postgres-socket/ its socket
//! DIR/run/                  the services' sockets and process ids
//! DIR/log/                  NAME.log of every process
//! ```

mod contents;
mod sockets;

use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::OFlags;

use super::directory::Directory;
use super::safe_path::{self, is_root};
use super::services::SERVICES;
pub(super) use sockets::fingerprint;
use sockets::{LONGEST_SOCKET_PATH, SocketFolder};

/// The longest name of a service's socket.
const LONGEST_SERVICE_SOCKET: usize = "/mailbox-store.sock".len();

/// An open, locked data folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    runtime: SocketFolder,
    database_sockets: SocketFolder,
    /// Released last.
    _lock: File,
}

impl Folder {
    /// Creates the missing parts and takes the lock.
    pub(super) fn open(data: &Path) -> anyhow::Result<Self> {
        let root = safe_path::make(data)?;
        contents::refuse_somebody_elses(&root)?;
        contents::refuse_planted(&root)?;
        if is_root() {
            Directory::open(&root)?.take()?;
            // Entries that the previous owner may have placed.
            contents::refuse_planted(&root)?;
        }
        let lock = lock(&root)?;
        // Another user of the database passes through the root of the folder.
        close(&root, 0o711)?;
        for name in ["tls", "secrets", "run", "log"] {
            make(&root.join(name))?;
        }
        let runtime = SocketFolder::make(&root, "run", LONGEST_SERVICE_SOCKET)?;
        let longest = LONGEST_SOCKET_PATH - private_postgres::longest_socket_directory();
        let database_sockets = SocketFolder::make(&root, "postgres-socket", longest)?;
        Ok(Self {
            root,
            runtime,
            database_sockets,
            _lock: lock,
        })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn database(&self) -> PathBuf {
        self.root.join("postgres")
    }

    pub(super) fn database_sockets(&self) -> &Path {
        self.database_sockets.path()
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.root.join("postern.toml")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.root.join("tls/certificate.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.root.join("tls/key.pem")
    }

    pub(super) fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    pub(super) fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// The services' sockets.
    pub(super) fn runtime(&self) -> &Path {
        self.runtime.path()
    }

    pub(super) fn secrets_key(&self) -> PathBuf {
        self.root.join("secrets/policy.key")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(format!("{name}.log"))
    }

    /// The logs of all processes.
    pub(super) fn logs(&self) -> Vec<PathBuf> {
        let services = SERVICES.iter().map(|kind| kind.name);
        services
            .chain(["postgres"])
            .map(|name| self.log(name))
            .collect()
    }

    pub(super) fn pid_file(&self, name: &str) -> PathBuf {
        self.root.join("run").join(format!("{name}.pid"))
    }

    pub(super) fn socket(&self, name: &str) -> PathBuf {
        self.runtime().join(format!("{name}.sock"))
    }

    /// A path for `postern.toml`: relative to the folder if it is inside.
    pub(super) fn within(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// The folder of the sockets if the data folder's path is too long for them.
    pub(super) fn moved_sockets(&self) -> Option<&Path> {
        self.runtime.is_moved().then(|| self.runtime.path())
    }
}

/// The operating system's own message is hard to understand.
pub(super) fn refuse_file(data: &Path) -> anyhow::Result<()> {
    if data.exists() && !data.is_dir() {
        bail!(
            "{} is a file, no folder; name a new or an empty folder with --data",
            data.display()
        );
    }
    Ok(())
}

fn lock(root: &Path) -> anyhow::Result<File> {
    let path = root.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .custom_flags(no_link())
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!(
                "a system is already running in {}; stop it, or name another folder with --data",
                root.display()
            )
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("locking {}", path.display()))
        }
    }
}

/// Flags that refuse links.
fn no_link() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default()
}

/// Sets the permissions of a folder; for root, not through a link.
fn close(folder: &Path, mode: u32) -> anyhow::Result<()> {
    if is_root() {
        return Directory::open(folder)?.set_mode(mode);
    }
    std::fs::set_permissions(folder, Permissions::from_mode(mode))
        .with_context(|| format!("setting the permissions of {}", folder.display()))
}

fn make(folder: &Path) -> anyhow::Result<()> {
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("making {}", folder.display()));
        }
        _ => {}
    }
    close(folder, 0o700)
}

#[cfg(test)]
mod tests;
