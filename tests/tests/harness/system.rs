//! A running system: `postern up` in a temporary folder, on free ports.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use private_postgres::{EndSignal, Guard};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use test_kit::free_port;

use super::{SOON, eventually};

/// The programs made by `cargo build --workspace --bins`, beside this test.
pub fn programs() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().parent().unwrap();
    assert!(
        folder.join("postern").is_file(),
        "no programs in {}: run `cargo build --workspace --bins` first, or `make test`",
        folder.display()
    );
    folder.to_owned()
}

/// One of the system's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    Queue,
    MailboxStore,
    Delivery,
    SmtpServer,
    Imap,
    Pop3,
    Collector,
    Postgres,
}

impl Process {
    pub const ALL: [Self; 8] = [
        Self::Queue,
        Self::MailboxStore,
        Self::Delivery,
        Self::SmtpServer,
        Self::Imap,
        Self::Pop3,
        Self::Collector,
        Self::Postgres,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::MailboxStore => "mailbox-store",
            Self::Delivery => "delivery",
            Self::SmtpServer => "smtp-server",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Collector => "collector",
            Self::Postgres => "postgres",
        }
    }
}

/// Ports of a system.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub smtp: u16,
    /// Its peers count as external: untrusted.
    pub external: u16,
    pub submission: u16,
    pub submissions: u16,
    pub imap: u16,
    pub imaps: u16,
    pub pop3: u16,
    pub pop3s: u16,
}

/// The settings of a system.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Lines for the section `[delivery]`.
    pub delivery: String,
    /// A database instead of a private one.
    pub database_url: Option<String>,
    /// The name server of smtp-server.
    pub resolver: Option<SocketAddr>,
    /// More for the section `[smtp-server]`, in tables of their own.
    pub smtp_server: String,
    /// More for the section `[mailbox-store]`, in tables of their own at the end.
    pub mailbox_store: String,
    /// The process whose network namespace it uses.
    pub network: Option<u32>,
    /// The parent of its folder.
    pub parent: Option<PathBuf>,
    /// The section `[tls]`; that of `postern up` if empty.
    pub tls: String,
    /// The key of the secrets stored in its database.
    pub secret_key: Option<Vec<u8>>,
}

/// A system. Dropping it stops it; if the test is killed, its guard does.
#[derive(Debug)]
pub struct System {
    folder: PathBuf,
    data: PathBuf,
    ports: Ports,
    supervisor: Child,
    guard: Guard,
    database_url: Option<String>,
    network: Option<u32>,
    shared: bool,
}

static SHARED: LazyLock<System> = LazyLock::new(|| {
    let mut system = System::start();
    system.shared = true;
    system
});

impl System {
    /// The system shared by most cases; it ends with the test program.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// A system for one case.
    pub fn start() -> Self {
        Self::start_with(&Setup::default())
    }

    /// A system with settings.
    pub fn start_with(setup: &Setup) -> Self {
        let parent = setup.parent.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new()
            .prefix("postern-e2e-")
            .tempdir_in(parent)
            .unwrap()
            .keep();
        // If this runs as root, the private Postgres runs as another user.
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o711))
            .unwrap();
        let guard = Guard::start().unwrap();
        guard.remove_folder(&folder);
        let ports = free_ports();
        std::fs::create_dir_all(folder.join("data")).unwrap();
        std::fs::write(
            folder.join("data/postern.toml"),
            configuration(&ports, setup),
        )
        .unwrap();
        let data = folder.join("data");
        if let Some(key) = &setup.secret_key {
            std::fs::create_dir_all(data.join("secrets")).unwrap();
            std::fs::write(data.join("secrets/policy.key"), key).unwrap();
        }
        let database_url = setup.database_url.clone();
        let network = setup.network;
        let supervisor = spawn(&folder, &data, &guard, database_url.as_deref(), network);
        let mut system = Self {
            folder,
            data,
            ports,
            supervisor,
            guard,
            database_url,
            network,
            shared: false,
        };
        system.await_ready();
        system
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Changes to another data folder of the case, for data that was moved or copied.
    pub fn use_data(&mut self, name: &str) -> PathBuf {
        self.data = self.folder.join(name);
        self.data()
    }

    pub fn ports(&self) -> Ports {
        self.ports
    }

    pub fn smtp(&self) -> SocketAddr {
        local(self.ports.smtp)
    }

    /// The listener with untrusted peers.
    pub fn external(&self) -> SocketAddr {
        local(self.ports.external)
    }

    /// Runs a `postern` command on this system.
    pub fn command(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = program(self.network)
            .args(arguments)
            .env("POSTERN_DATA", self.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended already.
        let _unread = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed; returns its output.
    pub fn postern(&self, arguments: &[&str], input: &str) -> String {
        let output = self.command(arguments, input);
        assert!(
            output.status.success(),
            "postern {}: {}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with `--json` and parses its output.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.postern(&[arguments, &["--json"]].concat(), "");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Adds a domain whose mail goes to mailboxes.
    pub fn add_domain(&self, name: &str) {
        self.postern(&["domain", "add", name], "");
    }

    /// Adds users with the password `secret`.
    pub fn add_users(&self, addresses: &[&str]) {
        for address in addresses {
            self.postern(&["user", "add", address, "--password-stdin"], "secret\n");
        }
    }

    /// Applies a whole policy.
    pub fn apply_policy(&self, policy: &str) {
        let file = self.folder.join("policy.toml");
        std::fs::write(&file, policy).unwrap();
        self.postern(&["policy", "apply", file.to_str().unwrap(), "--yes"], "");
    }

    /// The process's current id.
    pub fn pid(&self, process: Process) -> Option<i32> {
        let file = match process {
            Process::Postgres => self.data().join("postgres/postmaster.pid"),
            other => self.data().join(format!("run/{}.pid", other.name())),
        };
        std::fs::read_to_string(file)
            .ok()?
            .lines()
            .next()?
            .trim()
            .parse()
            .ok()
    }

    /// The id of `postern up`.
    pub fn supervisor_pid(&self) -> i32 {
        i32::try_from(self.supervisor.id()).unwrap()
    }

    /// Kills the process with `kill -9`; the supervisor restarts it. False if it was not running at the
    /// moment.
    pub fn kill(&self, process: Process) -> bool {
        self.pid(process)
            .is_some_and(|pid| signal(pid, Signal::KILL))
    }

    /// Peak memory of a process in octets (VmHWM).
    pub fn peak_memory(&self, process: Process) -> u64 {
        let pid = self.pid(process).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    }

    /// One value from the database.
    pub fn sql(&self, statement: &str) -> String {
        let socket = self.data().join("postgres-socket");
        let output = Command::new("psql")
            .args([
                "-X", "-A", "-t", "-q", "-U", "postgres", "-d", "postern", "-c", statement, "-h",
            ])
            .arg(socket)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The output of `up` and the services, for the message of a failed test.
    pub fn logs(&self) -> String {
        let mut text = std::fs::read_to_string(self.folder.join("up.log")).unwrap_or_default();
        for process in Process::ALL {
            let log = self.data().join(format!("log/{}.log", process.name()));
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            text.push_str(&format!("--- {}\n", process.name()));
            text.push_str(&lines[lines.len().saturating_sub(30)..].join("\n"));
            text.push('\n');
        }
        text
    }

    /// Waits until every process is ready and every accepted recipient has reached an end.
    pub fn await_empty_queue(&self) {
        eventually("an empty queue", SOON * 2, || {
            // Exit code 1 while a process is not ready.
            let output = self.command(&["status", "--json"], "");
            let status: Value = serde_json::from_slice(&output.stdout).ok()?;
            (status["well"] == true && status["queue"]["messages"] == 0).then_some(())
        });
    }

    /// Sends SIGTERM; returns the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        if let Some(status) = self.supervisor.try_wait().unwrap() {
            return status.code();
        }
        signal(i32::try_from(self.supervisor.id()).unwrap(), Signal::TERM);
        let status = self.supervisor.wait().unwrap();
        self.guard.forget(self.supervisor.id());
        status.code()
    }

    /// Starts it again after [`Self::stop`].
    pub fn start_again(&mut self) {
        let url = self.database_url.as_deref();
        self.supervisor = spawn(&self.folder, &self.data, &self.guard, url, self.network);
        self.await_ready();
    }

    fn await_ready(&mut self) {
        eventually("postern up", SOON * 2, || {
            let log = std::fs::read_to_string(self.folder.join("up.log")).unwrap_or_default();
            if let Some(status) = self.supervisor.try_wait().unwrap() {
                panic!("postern up ended: {status}\n{}", self.logs());
            }
            log.contains("Ctrl-C drains and stops").then_some(())
        });
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.shared {
            eprintln!("{}", self.logs());
        }
        self.stop();
    }
}

/// Whether the process existed.
pub fn signal(pid: i32, signal: Signal) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// `postern`, in the network of a process.
fn program(network: Option<u32>) -> Command {
    let postern = programs().join("postern");
    let Some(pid) = network else {
        return Command::new(postern);
    };
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net=/proc/{pid}/ns/net"))
        .arg(postern);
    command
}

fn spawn(
    folder: &Path,
    data: &Path,
    guard: &Guard,
    database_url: Option<&str>,
    network: Option<u32>,
) -> Child {
    let log = std::fs::File::create(folder.join("up.log")).unwrap();
    let mut command = program(network);
    match database_url {
        Some(url) => command.env("POSTERN_DATABASE_URL", url),
        None => command.env_remove("POSTERN_DATABASE_URL"),
    };
    let supervisor = command
        .arg("--data")
        .arg(data)
        .arg("up")
        .env("POSTERN_TEST_OF_THE_STARTER", "not for the services")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap();
    guard.watch(supervisor.id(), EndSignal::Term);
    supervisor
}

fn free_ports() -> Ports {
    Ports {
        smtp: free_port(),
        external: free_port(),
        submission: free_port(),
        submissions: free_port(),
        imap: free_port(),
        imaps: free_port(),
        pop3: free_port(),
        pop3s: free_port(),
    }
}

fn configuration(ports: &Ports, setup: &Setup) -> String {
    let mut text = "hostname = \"mail.postern.test\"\n".to_owned();
    text.push_str(&setup.tls);
    for process in Process::ALL
        .iter()
        .filter(|&&process| process != Process::Postgres)
    {
        let name = process.name();
        text.push_str(&format!("[{name}]\nmetrics = \"127.0.0.1:0\"\n"));
        if *process == Process::Delivery {
            text.push_str(&setup.delivery);
        }
        if let (Process::SmtpServer, Some(resolver)) = (process, setup.resolver) {
            text.push_str(&format!("resolver = \"{resolver}\"\n"));
        }
        for (port, tls, more) in listeners(*process, ports) {
            text.push_str(&format!(
                "[[{name}.listener]]\naddress = \"127.0.0.1:{port}\"\ntls = \"{tls}\"\n{more}\n"
            ));
        }
        if *process == Process::SmtpServer {
            text.push_str(&setup.smtp_server);
        }
        if *process == Process::MailboxStore {
            text.push_str(&setup.mailbox_store);
        }
    }
    text
}

fn listeners(process: Process, ports: &Ports) -> Vec<(u16, &'static str, &'static str)> {
    match process {
        Process::SmtpServer => vec![
            (
                ports.smtp,
                "starttls",
                "role = \"mx\"\nclass = \"internal\"",
            ),
            (
                ports.external,
                "starttls",
                "role = \"mx\"\nclass = \"external\"",
            ),
            (ports.submission, "starttls", "role = \"submission\""),
            (ports.submissions, "implicit", "role = \"submission\""),
        ],
        Process::Imap => {
            vec![
                (ports.imap, "starttls", "plaintext-auth = true"),
                (ports.imaps, "implicit", ""),
            ]
        }
        Process::Pop3 => {
            vec![
                (ports.pop3, "starttls", "plaintext-auth = true"),
                (ports.pop3s, "implicit", ""),
            ]
        }
        _ => Vec::new(),
    }
}
