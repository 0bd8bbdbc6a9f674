//! The folders of Unix sockets. If the data folder's path is too long for them, they are elsewhere while
//! the system runs, and are removed at its end.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use private_postgres::Account;

use super::{close, make};
use crate::up::directory::Directory;
use crate::up::safe_path::{is_root, look, refuse_unsafe};

/// The kernel's limit for a Unix socket's path (`sun_path` less its NUL).
pub(super) const LONGEST_SOCKET_PATH: usize = 107;

/// `DIR/NAME`, or a folder with a short path derived from it. The latter is removed on drop, with the
/// sockets left by killed processes: all processes have ended then, and the data folder is still locked.
/// After a killed supervisor the next run finds the folder by the same name.
#[derive(Debug)]
pub(super) struct SocketFolder {
    path: PathBuf,
    moved: bool,
}

impl SocketFolder {
    /// Creates it. `longest_socket` is the length of the longest socket name, with the slash.
    pub(super) fn make(root: &Path, name: &str, longest_socket: usize) -> anyhow::Result<Self> {
        let usual = root.join(name);
        if usual.as_os_str().len() + longest_socket <= LONGEST_SOCKET_PATH {
            make(&usual)?;
            return Ok(Self {
                path: usual,
                moved: false,
            });
        }
        let account = Account::unprivileged()?;
        let path = short_path(root, name, account);
        make_short(&path, account)?;
        Ok(Self { path, moved: true })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is outside the data folder.
    pub(super) fn is_moved(&self) -> bool {
        self.moved
    }
}

impl Drop for SocketFolder {
    fn drop(&mut self) {
        if self.moved {
            // If it cannot be removed now, the next run uses it.
            let _kept = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn short_path(root: &Path, name: &str, account: Account) -> PathBuf {
    let parent = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_dir() && path.as_os_str().len() < 40)
        // Root's own folder is closed to the user of the processes.
        .filter(|path| account.reaches(&path.join(name)))
        .filter(|path| refuse_unsafe(&path.join(name)).is_ok())
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    parent.join(format!("postern-{name}-{:08x}", fingerprint(root)))
}

fn make_short(short: &Path, account: Account) -> anyhow::Result<()> {
    match std::fs::create_dir(short) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("making {}", short.display()));
        }
        _ => {}
    }
    refuse_somebody_elses(short, account)?;
    if is_root() {
        // Until it is given away: its owner could place a link.
        Directory::open(short)?.take()?;
        refuse_somebody_elses(short, account)?;
    }
    close(short, 0o700)
}

/// In a world-writable folder somebody else may have created it first.
fn refuse_somebody_elses(short: &Path, account: Account) -> anyhow::Result<()> {
    let ours = [rustix::process::geteuid().as_raw(), account.uid()];
    let is_ours = look(short)?.is_some_and(|found| found.is_dir() && ours.contains(&found.uid()));
    if !is_ours {
        bail!(
            "{} belongs to somebody else; choose a data folder with a shorter path",
            short.display()
        );
    }
    Ok(())
}

/// FNV-1a: a folder gets the same name on every run.
pub(in crate::up) fn fingerprint(path: &Path) -> u32 {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0x811c_9dc5, |hash: u32, &byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}
