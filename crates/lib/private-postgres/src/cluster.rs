//! A data folder filled by `initdb`, and the settings of its server.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::{Account, Error, Guard, Installation, Server};

/// One server setting, `name=value`.
pub type Setting = (&'static str, &'static str);

/// The name of Postgres's socket, a part of the path that must fit into `sun_path`.
pub(crate) const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// Maximum length of a socket folder's path, so that the socket's own path fits into `sun_path`.
#[must_use]
pub fn longest_socket_directory() -> usize {
    107 - 1 - SOCKET_NAME.len()
}

/// A cluster: data, socket folder, account.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(crate) installation: Installation,
    pub(crate) account: Account,
    pub(crate) data: PathBuf,
    pub(crate) sockets: PathBuf,
    pub(crate) log: PathBuf,
}

impl Cluster {
    /// Describes a cluster without changing anything. `data` need not exist; `sockets` must.
    ///
    /// # Errors
    /// If Postgres is not installed, or the socket's path would be too long.
    /// When Postgres is not installed, or the socket's path would be too long.
    pub fn at(data: &Path, sockets: &Path, log: &Path, account: Account) -> Result<Self, Error> {
        if sockets.as_os_str().len() > longest_socket_directory() {
            return Err(Error::SocketPathTooLong(sockets.join(SOCKET_NAME)));
        }
        Ok(Self {
            installation: Installation::find()?,
            account,
            data: data.to_owned(),
            sockets: sockets.to_owned(),
            log: log.to_owned(),
        })
    }

    /// The server's log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether `initdb` has finished.
    #[must_use]
    pub fn is_initialised(&self) -> bool {
        self.data.join("PG_VERSION").is_file()
    }

    /// Creates the cluster: UTF-8, C collation (addresses are compared as bytes), superuser `postgres`.
    ///
    /// Access is only through the socket: whoever may enter its folder is the database's user. `initdb`
    /// works in a folder beside the final one, so that an interrupted run is not taken for a cluster.
    ///
    /// # Errors
    /// If a program of Postgres fails.
    /// When a program of Postgres fails.
    pub fn initialise(&self, synced: bool) -> Result<(), Error> {
        let unfinished = self.data.with_extension("unfinished");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished)
                .map_err(Error::io("removing an unfinished database folder"))?;
        }
        std::fs::create_dir(&unfinished)
            .map_err(Error::io(format!("making {}", unfinished.display())))?;
        std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o700))
            .map_err(Error::io("closing the database folder to others"))?;
        self.account.own(&unfinished)?;

        let mut initdb = self.account.command(&self.installation.program("initdb"));
        initdb.args([
            "--encoding=UTF8",
            "--locale=C",
            "--auth=trust",
            "--username=postgres",
        ]);
        if !synced {
            initdb.arg("--no-sync");
        }
        let output = initdb
            .arg("-D")
            .arg(&unfinished)
            .env("TZ", "UTC")
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .map_err(Error::io("running initdb"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Program {
                program: "initdb",
                output: said,
            });
        }
        std::fs::rename(&unfinished, &self.data)
            .map_err(Error::io("taking the new database folder into use"))
    }

    /// Stops a server of this cluster left by an earlier owner; returns its process id if there was one.
    ///
    /// # Errors
    /// If it does not stop in time.
    pub fn end_leftover(&self) -> Result<Option<u32>, Error> {
        crate::server::end_leftover(&self.data)
    }

    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// If it ends at once or is not ready in time.
    pub fn start(
        &self,
        settings: &[Setting],
        guard: &Guard,
        end: crate::EndSignal,
    ) -> Result<Server, Error> {
        Server::start(self, settings, guard, end)
    }

    /// The URL of a database of this cluster.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let mut url = format!("postgres://postgres@localhost/{database}?host=");
        for &byte in self.sockets.as_os_str().as_encoded_bytes() {
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
        url
    }

    /// Runs one statement as the superuser.
    ///
    /// # Errors
    /// If `psql` cannot run or the statement fails.
    pub fn execute(&self, database: &str, statement: &str) -> Result<String, Error> {
        let output = std::process::Command::new(self.installation.program("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                database,
                "-c",
                statement,
            ])
            .arg("-h")
            .arg(&self.sockets)
            .stdin(Stdio::null())
            .output()
            .map_err(Error::io("running psql"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::Program {
            program: "psql",
            output: said,
        })
    }
}
