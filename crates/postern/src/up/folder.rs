//! The data folder: what stands where, who may look, and that only one system runs in it.
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

use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::services::SERVICES;

/// The kernel's limit for a Unix socket's path (`sun_path` less its NUL).
const LONGEST_SOCKET_PATH: usize = 107;

/// The longest name of a service's socket.
const LONGEST_SERVICE_SOCKET: usize = "/mailbox-store.sock".len();

/// An open, locked data folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    runtime: PathBuf,
    database_sockets: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes what is missing and takes the lock.
    pub(super) fn open(data: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data).with_context(|| format!("making {}", data.display()))?;
        let root = data
            .canonicalize()
            .with_context(|| format!("finding {}", data.display()))?;
        refuse_somebody_elses(&root)?;
        let lock = lock(&root)?;
        // The database's user, when it is another, passes through the root of the folder.
        close(&root, 0o711)?;
        for name in ["tls", "secrets", "run", "log"] {
            make(&root.join(name))?;
        }
        let runtime = socket_folder(&root, "run", LONGEST_SERVICE_SOCKET)?;
        let longest = LONGEST_SOCKET_PATH - private_postgres::longest_socket_directory();
        let database_sockets = socket_folder(&root, "postgres-socket", longest)?;
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
        &self.database_sockets
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
        &self.runtime
    }

    pub(super) fn secrets_key(&self) -> PathBuf {
        self.root.join("secrets/policy.key")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(format!("{name}.log"))
    }

    /// Of every process.
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
        self.runtime.join(format!("{name}.sock"))
    }

    /// A path as `postern.toml` names it: relative to the folder, where it is within.
    pub(super) fn within(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Where the sockets are when the data folder's own path is too long for them.
    pub(super) fn moved_sockets(&self) -> Option<&Path> {
        (!self.runtime.starts_with(&self.root)).then_some(&self.runtime)
    }
}

/// The operating system's own words for it are a riddle.
pub(super) fn refuse_file(data: &Path) -> anyhow::Result<()> {
    if data.exists() && !data.is_dir() {
        bail!(
            "{} is a file, no folder; name a new or an empty folder with --data",
            data.display()
        );
    }
    Ok(())
}

/// The folder is closed to others and filled: not one that holds something else.
fn refuse_somebody_elses(root: &Path) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(root).with_context(|| format!("reading {}", root.display()))?;
    let mut anything = false;
    for entry in entries {
        let name = entry
            .with_context(|| format!("reading {}", root.display()))?
            .file_name();
        if name == "postern.toml" || name == "lock" {
            return Ok(());
        }
        // The root of a file system of its own has this.
        anything |= name != "lost+found";
    }
    if anything {
        bail!(
            "{} is not empty, and no system of ours is in it; name a new or an empty folder with --data",
            root.display()
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

fn close(folder: &Path, mode: u32) -> anyhow::Result<()> {
    std::fs::set_permissions(folder, Permissions::from_mode(mode))
        .with_context(|| format!("setting the permissions of {}", folder.display()))
}

fn make(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    close(folder, 0o700)
}

/// `DIR/NAME`, or a folder with a short path that stands for this one alone.
fn socket_folder(root: &Path, name: &str, longest_socket: usize) -> anyhow::Result<PathBuf> {
    let usual = root.join(name);
    if usual.as_os_str().len() + longest_socket <= LONGEST_SOCKET_PATH {
        make(&usual)?;
        return Ok(usual);
    }
    let account = private_postgres::Account::unprivileged()?;
    let parent = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_dir() && path.as_os_str().len() < 40)
        // Root's own is closed to the user that the processes become.
        .filter(|path| account.reaches(&path.join(name)))
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    let short = parent.join(format!("postern-{name}-{:08x}", fingerprint(root)));
    match std::fs::create_dir(&short) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("making {}", short.display()));
        }
        _ => {}
    }
    // In a folder that everybody may write to, somebody may have been faster.
    let found = std::fs::symlink_metadata(&short)
        .with_context(|| format!("looking at {}", short.display()))?;
    let ours = [rustix::process::geteuid().as_raw(), account.uid()];
    if !found.is_dir() || !ours.contains(&found.uid()) {
        bail!(
            "{} belongs to somebody else; choose a data folder with a shorter path",
            short.display()
        );
    }
    close(&short, 0o700)?;
    Ok(short)
}

/// FNV-1a: the same folder gets the same name on every run.
pub(super) fn fingerprint(path: &Path) -> u32 {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0x811c_9dc5, |hash: u32, &byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_second_system_in_one_folder_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let first = Folder::open(&parent.path().join("data")).unwrap();
        let refused = Folder::open(&parent.path().join("data")).unwrap_err();
        assert!(refused.to_string().contains("already running"), "{refused}");
        drop(first);
        Folder::open(&parent.path().join("data")).unwrap();
    }

    #[test]
    fn a_folder_that_holds_something_else_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("letter.txt"), "mine").unwrap();
        let mode = || {
            std::fs::metadata(parent.path())
                .unwrap()
                .permissions()
                .mode()
        };
        let before = mode();
        let refused = Folder::open(parent.path()).unwrap_err();
        assert!(refused.to_string().contains("not empty"), "{refused}");
        assert_eq!(mode(), before);
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn sockets_move_to_a_short_path_when_the_folder_has_a_long_one() {
        let parent = tempfile::tempdir().unwrap();
        let short = Folder::open(&parent.path().join("data")).unwrap();
        assert_eq!(short.moved_sockets(), None);
        let long = Folder::open(&parent.path().join("x".repeat(120))).unwrap();
        let moved = long.moved_sockets().unwrap().to_owned();
        assert!(long.socket("mailbox-store").as_os_str().len() <= 107);
        std::fs::remove_dir(moved).unwrap();
        std::fs::remove_dir(long.database_sockets()).unwrap();
    }
}
