//! Other mail servers: Postfix and Exim, unpacked by `scripts/peers`, each with a folder, a configuration and
//! ports of its own.
//!
//! Each has the domain `peer.test` with the users bob and jörg, accepts mail from any client, and relays mail
//! for other domains to one server, under TLS.

mod exim;
mod postfix;

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use private_postgres::{EndSignal, Guard};
use test_kit::{TestCertificate, free_port};

use super::{SOON, Smtp, eventually, programs};

/// The kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postfix,
    Exim,
}

/// Their size limit in octets.
pub const MAX_SIZE: usize = 2_000_000;

/// An account that exists on every machine, for the parts of a server that do not run as root.
const ACCOUNT: &str = "daemon";
const ACCOUNT_ID: u32 = 1;

/// A server. Dropping it stops it; if the test is killed, its guard does.
#[derive(Debug)]
pub struct Peer {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
    guard: Guard,
}

impl Peer {
    /// Whether they can be run here; says so if a case is skipped for that reason. In CI a skipped case
    /// fails, unless root's rights are missing.
    pub fn can_be_run() -> bool {
        if !rustix::process::geteuid().is_root() {
            // No installation would help.
            eprintln!("SKIPPED: running other mail servers takes root");
            return false;
        }
        let found = unpacked().join("usr/sbin/exim4").is_file();
        if !found {
            assert!(
                std::env::var_os("POSTERN_TESTS_SKIP_NOTHING").is_none(),
                "Postfix and Exim are not there: scripts/peers"
            );
            eprintln!("SKIPPED: Postfix and Exim are not there; `scripts/peers` fetches them");
        }
        found
    }

    /// A server with a folder and ports that is not started yet.
    pub fn new(kind: Kind) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("postern-peer-")
            .tempdir()
            .unwrap()
            .keep();
        let guard = Guard::start().unwrap();
        guard.remove_folder(&folder);
        // Its processes run as other users.
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        let _paths = TestCertificate::for_names(&["127.0.0.1"]).write_to(&folder);
        owned_folder(&folder.join("mail"), 0o755);
        Self {
            kind,
            folder,
            port: free_port(),
            process: None,
            guard,
        }
    }

    /// Starts it; it relays mail for other domains to `relay`.
    pub fn start(&mut self, relay: SocketAddr) {
        let mut command = match self.kind {
            Kind::Postfix => postfix::command(&self.folder, self.port, relay),
            Kind::Exim => exim::command(&self.folder, self.port, relay),
        };
        let output = std::fs::File::create(self.folder.join("output")).unwrap();
        let process = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        self.guard.watch(process.id(), EndSignal::Term);
        self.process = Some(process);
        eventually("the other server's greeting", SOON, || {
            Smtp::hello(self.address()).ok()
        });
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The authority of its certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// A user's messages, with CRLF line ends.
    pub fn mail(&self, user: &str) -> Vec<Vec<u8>> {
        let folder = self.folder.join("mail").join(user).join("new");
        let Ok(files) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let read = |path: PathBuf| with_crlf(&std::fs::read(path).unwrap());
        files.map(|file| read(file.unwrap().path())).collect()
    }

    /// Its log.
    pub fn log(&self) -> String {
        ["output", "log", "log/main", "log/panic"]
            .iter()
            .filter_map(|name| std::fs::read_to_string(self.folder.join(name)).ok())
            .collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
        if let Some(mut process) = self.process.take() {
            let pid = i32::try_from(process.id()).unwrap();
            super::signal(pid, rustix::process::Signal::TERM);
            let _status = process.wait();
            self.guard.forget(process.id());
        }
    }
}

fn unpacked() -> PathBuf {
    programs().parent().unwrap().join("peers/root")
}

/// One of its programs, with the libraries of its package.
fn program(path: &str) -> Command {
    let root = unpacked();
    let mut folders = vec![root.join("usr/lib/postfix")];
    folders.extend(library_folders(&root));
    let mut command = Command::new(root.join(path));
    command.env("LD_LIBRARY_PATH", std::env::join_paths(folders).unwrap());
    command
}

/// `usr/lib/x86_64-linux-gnu`, and the folders beside it.
fn library_folders(root: &Path) -> Vec<PathBuf> {
    let folders = ["usr/lib", "lib"].map(|name| std::fs::read_dir(root.join(name)));
    let entries = folders.into_iter().flatten().flatten().flatten();
    let named = entries.map(|entry| entry.path());
    named
        .filter(|path| path.to_string_lossy().ends_with("-linux-gnu"))
        .collect()
}

/// A new folder of the unprivileged account.
fn owned_folder(path: &Path, mode: u32) {
    std::fs::create_dir(path).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    chown(path, Some(ACCOUNT_ID), None).unwrap();
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = text.split(|&octet| octet == b'\n').collect();
    lines.join(&b"\r\n"[..])
}
