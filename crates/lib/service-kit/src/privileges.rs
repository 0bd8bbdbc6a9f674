//! Root's rights, given up.
//!
//! A process that root has started needs them to open ports below 1024, and to read a key that only
//! root can read. Then it becomes an unprivileged user for good, in all its threads, as Postgres is
//! from the start. It can never gain rights again (`PR_SET_NO_NEW_PRIVS`, whoever started it).

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};

use crate::{Endpoint, Error, SharedConfig};

/// Whom a process becomes: the first that there is. The private Postgres of `postern up` runs as the
/// same, and lets nobody else in (`private_postgres::Account`).
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// From now on neither this thread nor those that it starts gain rights by running a program.
pub(crate) fn never_gain_more() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        tracing::debug!(%error, "PR_SET_NO_NEW_PRIVS");
    }
}

/// Whom root becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unprivileged {
    name: &'static str,
    uid: u32,
    gid: u32,
}

impl Unprivileged {
    /// None for a process that root has not started, and where there is nobody to become; nor for one
    /// whose `endpoint` is a socket in a folder that is root's alone: `postern up` gives the folder away,
    /// and who starts services otherwise can start them as another user.
    pub(crate) fn find(endpoint: Option<&str>) -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = NAMES.iter().find_map(|name| user(&users, name));
        if found.is_none() {
            tracing::warn!("this process stays root: there is no user `postgres` or `nobody`");
        }
        let found = found?;
        match endpoint.and_then(|endpoint| found.closed_folder(endpoint)) {
            None => Some(found),
            Some(folder) => {
                tracing::warn!(
                    folder = %folder.display(),
                    user = found.name,
                    "this process stays root, since only root can make its socket in this folder: start it as \
                     another user, or give the folder to that one"
                );
                None
            }
        }
    }

    /// The folder of the socket, if this user cannot make one there.
    fn closed_folder(&self, endpoint: &str) -> Option<PathBuf> {
        let Ok(Endpoint::Unix(socket)) = endpoint.parse() else {
            return None;
        };
        let folder = socket
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let is_open = std::fs::metadata(folder).is_ok_and(|found| {
            let (uid, mode) = (found.uid(), found.mode());
            (uid == self.uid && mode & 0o300 == 0o300) || mode & 0o003 == 0o003
        });
        (!is_open).then(|| folder.to_owned())
    }

    /// Becomes that user: in all threads, since the C library sees to that, and with no group, no
    /// capability and no way back. Repeating it is harmless.
    pub(crate) fn become_it(&self, shared: &SharedConfig) -> Result<(), Error> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let changed = setgroups(&[])
            .and_then(|()| setresgid(gid, gid, gid))
            .and_then(|()| setresuid(uid, uid, uid));
        match changed {
            Ok(()) => {
                tracing::info!(
                    user = self.name,
                    uid = self.uid,
                    "root's rights are given up"
                );
                self.look_at_certificate(shared);
                Ok(())
            }
            // In a namespace of users that has only this one, and in a container without the
            // capability to change users, root has no rights outside.
            Err(error @ (Errno::EINVAL | Errno::EPERM)) => {
                tracing::warn!(
                    user = self.name,
                    %error,
                    "this process stays root: it may not become that user"
                );
                Ok(())
            }
            Err(error) => Err(Error::Config(format!(
                "root's rights cannot be given up for those of the user {}: {error}",
                self.name
            ))),
        }
    }

    /// It is read again when it changes.
    fn look_at_certificate(&self, shared: &SharedConfig) {
        let Some(tls) = &shared.tls else { return };
        for file in [&tls.certificate, &tls.key] {
            if !is_readable(file) {
                tracing::warn!(
                    file = %file.display(),
                    user = self.name,
                    "this file can be read by root alone: when it is renewed, the service has to be started \
                     again. Let the user read it (setfacl -m u:USER:r FILE, and x on the folders above), or \
                     copy it into the data folder's tls/ when it is renewed"
                );
            }
        }
    }
}

fn is_readable(file: &Path) -> bool {
    std::fs::File::open(file).is_ok()
}

fn user(users: &str, name: &'static str) -> Option<Unprivileged> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok().filter(|&uid| uid != 0)?;
        let gid = fields.next()?.parse().ok()?;
        Some(Unprivileged { name, uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_is_not_root() {
        let users =
            "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\ntoor:x:0:0::/:\n";
        let nobody = Unprivileged {
            name: "nobody",
            uid: 65534,
            gid: 65533,
        };
        assert_eq!(user(users, "nobody"), Some(nobody));
        assert_eq!(user(users, "postgres"), None);
        assert_eq!(user(users, "toor"), None);
    }

    #[test]
    fn a_socket_is_made_only_where_the_user_may() {
        let Ok(folder) = tempfile::tempdir() else {
            return;
        };
        let uid = std::fs::metadata(folder.path()).map_or(0, |found| found.uid());
        let endpoint = format!("unix:{}/queue.sock", folder.path().display());
        let user = |uid| Unprivileged {
            name: "postgres",
            uid,
            gid: uid,
        };
        assert_eq!(user(uid).closed_folder(&endpoint), None);
        let closed = user(uid + 1).closed_folder(&endpoint);
        assert_eq!(closed.as_deref(), Some(folder.path()));
        assert_eq!(user(uid + 1).closed_folder("0.0.0.0:7101"), None);
    }
}
