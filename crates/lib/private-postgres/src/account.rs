//! The account of Postgres: the caller, or an unprivileged user if the caller is root, since Postgres
//! refuses root.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// The user that owns the data folder and runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    change_to: Option<(u32, u32)>,
}

impl Account {
    /// The caller's own account, or `postgres` (otherwise `nobody`) if the caller is root.
    ///
    /// # Errors
    /// [`Error::NoUnprivilegedUser`] if root has no user to change to.
    pub fn unprivileged() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { change_to: None });
        }
        let passwd =
            std::fs::read_to_string("/etc/passwd").map_err(Error::io("reading /etc/passwd"))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| ids_of(&passwd, name))
            .map(|ids| Self {
                change_to: Some(ids),
            })
            .ok_or(Error::NoUnprivilegedUser)
    }

    /// Whether programs run under another account than the caller's.
    #[must_use]
    pub fn is_other(&self) -> bool {
        self.change_to.is_some()
    }

    /// The user and group of the programs, if they differ from the caller's.
    #[must_use]
    pub fn change_to(&self) -> Option<(u32, u32)> {
        self.change_to
    }

    /// Its user id.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.change_to
            .map_or_else(|| rustix::process::geteuid().as_raw(), |(uid, _)| uid)
    }

    /// Whether this account may enter every folder above `path`. Group permissions are ignored.
    #[must_use]
    pub fn reaches(&self, path: &Path) -> bool {
        path.ancestors().skip(1).all(|folder| {
            std::fs::metadata(folder).is_ok_and(|found| {
                let passable = if found.uid() == self.uid() {
                    0o100
                } else {
                    0o001
                };
                found.mode() & passable != 0
            })
        })
    }

    /// Changes the owner of `path` to this account: of a link itself, not of its target.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn own(&self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.change_to else {
            return Ok(());
        };
        std::os::unix::fs::lchown(path, Some(uid), Some(gid)).map_err(Error::io(format!(
            "giving {} to the database's user",
            path.display()
        )))
    }

    /// A command under this account. Supplementary groups are dropped with the user id.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // Neither unrelated variables of the caller's shell, nor settings for libpq.
        command.env_clear();
        command.envs(
            ["PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"]
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        if let Some((uid, gid)) = self.change_to {
            command.uid(uid).gid(gid);
        }
        command
    }
}

fn ids_of(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::ids_of;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\npostgresql:x:1:1::/:\npostgres:x:104:110:,,,:/var/lib:/bin/sh\n";

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        assert_eq!(ids_of(PASSWD, "postgres"), Some((104, 110)));
        assert_eq!(ids_of(PASSWD, "post"), None);
        assert_eq!(ids_of("postgres:x", "postgres"), None);
    }
}
