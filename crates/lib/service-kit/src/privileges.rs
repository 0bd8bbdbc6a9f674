//! Giving up root's rights.
//!
//! A process started by root needs them to open ports below 1024, and to read a key that only root can read.
//! Then it becomes an unprivileged user for good, in all its threads; Postgres runs as one from the start. It
//! can never gain rights again (`PR_SET_NO_NEW_PRIVS`, whoever started it).
//!
//! That user must have access to everything the process needs later: otherwise the process ends at the start
//! with an error. It stays root only if the system does not allow it to become another user.

mod access;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
use schemars::JsonSchema;

use crate::Error;
use crate::config::Loaded;
use access::Needs;

/// The user that a process becomes: the first one that exists. The private Postgres of `postern up` runs as
/// the same user, and accepts no other (`private_postgres::Account`).
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// The user id if there is no such user, as in an image without `/etc/passwd`: Linux's own id of nobody
/// (`/proc/sys/kernel/overflowuid`).
const NOBODY: u32 = 65_534;

/// From now on neither this thread nor those that it starts gain rights by running a program.
pub(crate) fn never_gain_more() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        tracing::debug!(%error, "PR_SET_NO_NEW_PRIVS");
    }
}

/// The user that root becomes, and the files that the user needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unprivileged {
    user: User,
    needs: Needs,
}

/// A user that is not root.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: &'static str,
    uid: u32,
    gid: u32,
}

impl Unprivileged {
    /// `None` for a process not started by root. `C` is the process's own section, `name` its name.
    pub(crate) fn find<C: JsonSchema>(name: &str, loaded: &Loaded<C>) -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        Some(Self {
            user: User::find(),
            needs: Needs::of(name, loaded),
        })
    }

    /// Creates what only root can: the folder of the process's socket, if it is missing.
    pub(crate) fn prepare(&self) -> Result<(), Error> {
        self.needs.make_folder(&self.user)
    }

    /// Becomes that user: in all threads, by means of the C library, without groups or capabilities and
    /// irrevocably. A repetition is harmless.
    ///
    /// # Errors
    /// If the user has no access to what the process needs.
    pub(crate) fn become_it(&self) -> Result<(), Error> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let User { name, uid, gid } = self.user;
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        let changed = setgroups(&[])
            .and_then(|()| setresgid(gid, gid, gid))
            .and_then(|()| setresuid(uid, uid, uid));
        match changed {
            Ok(()) => {
                tracing::info!(user = name, %uid, "gave up root's rights");
                self.needs.check(&self.user)
            }
            // In a user namespace with only this user, and in a container without the capability to change
            // users, root has no rights outside.
            Err(error @ (Errno::EINVAL | Errno::EPERM)) => {
                tracing::warn!(
                    user = name,
                    %error,
                    "this process stays root: the system does not allow it to become that user"
                );
                Ok(())
            }
            Err(error) => Err(Error::Config(format!(
                "root's rights cannot be given up for those of the user {name}: {error}"
            ))),
        }
    }

    /// Fails if the user cannot read the files needed to reach the database.
    pub(crate) fn check_database(&self) -> Result<(), Error> {
        self.needs.check_database(&self.user)
    }
}

impl User {
    fn find() -> Self {
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let known = NAMES.iter().find_map(|name| user(&users, name));
        known.unwrap_or(Self {
            name: "nobody",
            uid: NOBODY,
            gid: NOBODY,
        })
    }
}

fn user(users: &str, name: &'static str) -> Option<User> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok().filter(|&uid| uid != 0)?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { name, uid, gid })
    })
}

#[cfg(test)]
mod tests;
