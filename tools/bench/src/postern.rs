//! Postern under test: `postern up` in a folder of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::imap::Imap;
use crate::senders;
use crate::system::{Installation, System, USERS, user};

/// Away from the ports of another running system.
const PORT_BASE: u16 = 21_000;

/// The port of untrusted clients. Loopback is an internal network: only the listener's class makes them
/// untrusted.
const STRANGERS_PORT: u16 = PORT_BASE + 26;

/// Slots of each listener: the default.
const MAX_CONNECTIONS: usize = 10_000;

/// The policy of all cases, in the data folder.
const POLICY: &str = "bench-policy.toml";

/// More than the free space of any volume.
const NEVER_FREE: &str = "[receiving.trusted]\nmin-free-space = \"8388607 GiB\"\n";

/// Time limit for starting.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running system; dropping it stops it.
pub(crate) struct Running {
    supervisor: Child,
    data: PathBuf,
    command: PathBuf,
    watchers: Mutex<Vec<Option<Imap>>>,
}

/// A system that is set up.
pub(crate) struct Postern {
    command: PathBuf,
    data: PathBuf,
}

impl Installation for Postern {
    fn start(&self) -> Result<Box<dyn System>> {
        Ok(Box::new(Running::run_up(&self.command, &self.data, &[])?))
    }

    /// Ctrl-C also reaches the supervisor, which ends its processes.
    fn interrupted(&self) -> Box<dyn Fn() + Send> {
        Box::new(|| ())
    }
}

impl Postern {
    /// Sets it up with users, rules and a gateway to the sink.
    pub(crate) fn install(
        binaries: &Path,
        folder: &Path,
        sink: u16,
        name_server: SocketAddr,
    ) -> Result<Self> {
        let command = binaries.join("postern");
        let data = folder.join("postern");
        // The first run creates the configuration.
        let base = PORT_BASE.to_string();
        drop(Running::run_up(
            &command,
            &data,
            &["--listen", "127.0.0.1", "--port-base", &base],
        )?);
        let file = data.join("postern.toml");
        let settings = std::fs::read_to_string(&file)?;
        std::fs::write(&file, configured(&settings, name_server)?)?;

        Running::run_up(&command, &data, &[])?.set_up(sink)?;
        Ok(Self { command, data })
    }
}

/// The configuration of the first run, adapted to the cases.
fn configured(settings: &str, name_server: SocketAddr) -> Result<String> {
    let mut settings: toml::Table = settings.parse()?;
    // The load's IMAP client has no TLS.
    for listener in listeners(&mut settings, "imap")? {
        if let Some(listener) = listener.as_table_mut() {
            listener.insert("plaintext-auth".into(), true.into());
        }
    }
    let mut strangers = toml::Table::new();
    let address = format!("127.0.0.1:{STRANGERS_PORT}");
    strangers.insert("address".into(), address.into());
    strangers.insert("name".into(), "strangers".into());
    strangers.insert("class".into(), "external".into());
    listeners(&mut settings, "smtp-server")?.push(strangers.into());
    let server = settings["smtp-server"]
        .as_table_mut()
        .context("[smtp-server] is no table")?;
    server.insert("resolver".into(), name_server.to_string().into());
    // The load comes from one address.
    let most = i64::try_from(MAX_CONNECTIONS)?;
    server.insert("max-connections-per-address".into(), most.into());
    Ok(settings.to_string())
}

fn listeners<'a>(settings: &'a mut toml::Table, service: &str) -> Result<&'a mut Vec<toml::Value>> {
    let listeners = settings
        .get_mut(service)
        .and_then(|service| service.get_mut("listener"))
        .and_then(toml::Value::as_array_mut);
    listeners.with_context(|| format!("[{service}] has no listeners"))
}

impl Running {
    fn run_up(command: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        let log = std::fs::File::create(data.with_extension("log"))?;
        let supervisor = Command::new(command)
            .arg("up")
            .arg("--data")
            .arg(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| {
                format!("{} does not run; `make build` makes it", command.display())
            })?;
        let postern = Self {
            supervisor,
            data: data.to_owned(),
            command: command.to_owned(),
            watchers: Mutex::new((0..USERS).map(|_| None).collect()),
        };
        postern.await_greeting(postern.smtp_port(), "220")?;
        postern.await_greeting(postern.imap_port(), "* OK")?;
        Ok(postern)
    }

    fn set_up(&self, sink: u16) -> Result<()> {
        let policy = format!(
            r#"
[[gateway]]
name = "sink"
hosts = ["127.0.0.1:{sink}"]
tls = "none"

[[domain]]
name = "bench.test"
deliver = "mailboxes"

[[domain]]
name = "discard.test"
deliver = "mailboxes"

[[domain.handler]]
match = "*"
deliver = "discard"

[[domain]]
name = "relay.test"
deliver = {{ gateway = "sink" }}
from = "everyone"
"#
        );
        std::fs::write(self.data.join(POLICY), policy + senders::RULES)?;
        self.apply(POLICY)?;
        for number in 0..USERS {
            self.run(&["user", "add", &user(number), "--password-stdin"], b"pw\n")?;
        }
        Ok(())
    }

    fn apply(&self, policy: &str) -> Result<()> {
        let file = self.data.join(policy).display().to_string();
        self.run(&["policy", "apply", &file], b"")?;
        Ok(())
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let mut child = Command::new(&self.command)
            .args(arguments)
            .env("POSTERN_DATA", &self.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input)?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "postern {} failed: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(output.stdout)
    }

    /// Before that all clients are refused.
    fn await_greeting(&self, port: u16, greeting: &str) -> Result<()> {
        let start = Instant::now();
        while !greets(port, greeting) {
            if start.elapsed() > START_TIMEOUT {
                bail!("Postern does not say \"{greeting}\" on port {port}; see its logs");
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Ok(())
    }

    fn status(&self) -> Result<serde_json::Value> {
        let output = self.run(&["status", "--json"], b"")?;
        serde_json::from_slice(&output).context("`postern status --json` is not JSON")
    }
}

fn greets(port: u16, greeting: &str) -> bool {
    let mut line = String::new();
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .and_then(|stream| BufReader::new(stream).read_line(&mut line))
        .is_ok_and(|_| line.starts_with(greeting))
}

impl System for Running {
    fn name(&self) -> &'static str {
        "Postern"
    }

    fn smtp_port(&self) -> u16 {
        PORT_BASE + 25
    }

    fn strangers_port(&self) -> u16 {
        STRANGERS_PORT
    }

    fn smtp_ports(&self) -> Vec<u16> {
        vec![self.smtp_port(), PORT_BASE + 587, STRANGERS_PORT]
    }

    fn max_connections(&self) -> usize {
        MAX_CONNECTIONS
    }

    fn imap_port(&self) -> u16 {
        PORT_BASE + 143
    }

    fn roots(&self) -> Vec<u32> {
        let mut roots = vec![self.supervisor.id()];
        // Its Postgres may be a child of init.
        let file = self.data.join("postgres/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        roots.extend(
            text.lines()
                .next()
                .and_then(|line| line.parse::<u32>().ok()),
        );
        roots
    }

    fn queued(&self) -> Result<usize> {
        let status = self.status()?;
        let messages = status["queue"]["messages"].as_u64();
        Ok(usize::try_from(
            messages.context("the status tells no queue.messages")?,
        )?)
    }

    fn delivered(&self, number: usize) -> Result<usize> {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let watcher = watchers.get_mut(number).context("no such user")?;
        if watcher.is_none() {
            *watcher = Some(Imap::login(self.imap_port(), &user(number))?);
        }
        watcher.as_mut().context("not logged in")?.count()
    }

    fn database_size(&self) -> Result<Option<u64>> {
        let settings = std::fs::read_to_string(self.data.join("postern.toml"))?;
        let settings: toml::Table = settings.parse()?;
        let url = settings["database"]["url"]
            .as_str()
            .context("postern.toml names no database")?;
        let output = Command::new("psql")
            .args([url, "-Atc", "SELECT pg_database_size(current_database())"])
            .output()
            .context("psql does not run")?;
        let octets = String::from_utf8(output.stdout)?;
        let octets = octets.trim().parse();
        Ok(Some(octets.context("psql told no size")?))
    }

    fn fills_up(&self) -> bool {
        true
    }

    fn set_full(&self, full: bool) -> Result<()> {
        if !full {
            return self.apply(POLICY);
        }
        let policy = std::fs::read_to_string(self.data.join(POLICY))?;
        std::fs::write(self.data.join("full.toml"), policy + NEVER_FREE)?;
        self.apply("full.toml")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM, by the shell's own kill: the supervisor drains and stops its children.
        let pid = self.supervisor.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.supervisor.wait();
    }
}
