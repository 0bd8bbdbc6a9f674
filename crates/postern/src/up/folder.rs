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
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::services::SERVICES;
pub(super) use sockets::fingerprint;
use sockets::{LONGEST_SOCKET_PATH, SocketFolder};

mod sockets;

/// The longest name of a service's socket.
const LONGEST_SERVICE_SOCKET: usize = "/mailbox-store.sock".len();

/// An open, locked data folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    runtime: SocketFolder,
    database_sockets: SocketFolder,
    /// Given up last.
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
        self.runtime().join(format!("{name}.sock"))
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
        self.runtime.is_moved().then(|| self.runtime.path())
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
        assert!(long.moved_sockets().is_some());
        assert!(long.socket("mailbox-store").as_os_str().len() <= 107);
    }

    #[test]
    fn moved_sockets_leave_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("x".repeat(120));
        let open = || Folder::open(&data).unwrap();
        let folder = open();
        let moved = [folder.runtime(), folder.database_sockets()].map(Path::to_owned);
        assert!(moved.iter().all(|moved| moved.is_dir()));
        // One that was killed has not removed its own.
        std::os::unix::net::UnixListener::bind(folder.socket("queue")).unwrap();
        drop(folder);
        assert!(!moved.iter().any(|moved| moved.exists()));

        let again = open();
        assert_eq!(
            [again.runtime(), again.database_sockets()],
            moved.each_ref().map(PathBuf::as_path)
        );
        drop(again);
        // What stands in the data folder stays.
        let short = parent.path().join("data");
        drop(Folder::open(&short).unwrap());
        assert!(short.join("run").is_dir() && short.join("postgres-socket").is_dir());
    }
}
