//! One service as a child process: program, log, process id file.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use private_postgres::{EndSignal, Guard};
use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};

use super::pid_file;

/// Time limit for draining. A service ends itself after 25 s.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// Everything needed to start a service repeatedly.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
    pub(super) configuration: PathBuf,
    pub(super) log: PathBuf,
    pub(super) pid_file: PathBuf,
    pub(super) guard: Arc<Guard>,
}

impl Program {
    /// Finds `postern-NAME` beside this executable.
    pub(super) fn beside_us(name: &str) -> anyhow::Result<PathBuf> {
        let us = std::env::current_exe().context("finding this program's own path")?;
        let path = us.with_file_name(format!("postern-{name}"));
        if !path.is_file() {
            bail!(
                "{} is missing; `make build` builds all programs",
                path.display()
            );
        }
        Ok(path)
    }

    pub(super) fn start(&self) -> anyhow::Result<Running> {
        let log = open_log(&self.log)?;
        let child = Command::new(&self.path)
            .arg("--config")
            .arg(&self.configuration)
            .env_clear()
            .envs(environment())
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("opening a log")?)
            .stderr(log)
            // Ctrl-C at the terminal reaches only the supervisor: it stops the services in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", self.path.display()))?;
        let pid = child.id().context("a service ended while it started")?;
        self.guard.watch(pid, EndSignal::Term);
        pid_file::write(&self.pid_file, pid)?;
        Ok(Running {
            child,
            pid,
            guard: Arc::clone(&self.guard),
            pid_file: self.pid_file.clone(),
        })
    }

    /// The last lines of its log.
    pub(super) fn end_of_log(&self) -> String {
        let text =
            String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.len().saturating_sub(8);
        lines.get(last..).unwrap_or_default().join("\n")
    }
}

/// The variables that a service needs, without the others of the caller's shell.
fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_for_services))
}

fn is_for_services(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "POSTERN_DATABASE_URL",
        "POSTERN_HOSTNAME",
        "PATH",
        "LANG",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "RUST_BACKTRACE",
        // Locations of certificates.
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "RUST_LIB_BACKTRACE",
    ];
    let is_configuration = name.starts_with("POSTERN_") && name.contains("__");
    is_configuration
        || NAMES.contains(&name)
        || ["LC_", "OTEL_", "MIMALLOC_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn open_log(path: &Path) -> anyhow::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}

/// A started service.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    pid: u32,
    guard: Arc<Guard>,
    pid_file: PathBuf,
}

impl Running {
    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        self.guard.forget(self.pid);
        let _gone = std::fs::remove_file(&self.pid_file);
        status.map_or_else(|error| error.to_string(), describe)
    }

    /// SIGTERM, and SIGKILL if draining takes too long or `now` completes.
    pub(super) async fn stop(mut self, now: impl Future<Output = ()>) -> String {
        send(self.pid, Signal::TERM);
        tokio::select! {
            how = self.ended() => return how,
            () = tokio::time::sleep(DRAIN_LIMIT) => {}
            () = now => {}
        }
        send(self.pid, Signal::KILL);
        self.ended().await
    }
}

/// Only for children that have not been reaped: their id cannot have been reused.
fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "ended".to_owned(),
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_for_services;

    #[test]
    fn services_get_their_configuration_and_little_else() {
        for name in [
            "POSTERN_DATABASE_URL",
            "POSTERN_QUEUE__WRITERS",
            "LC_ALL",
            "RUST_BACKTRACE",
        ] {
            assert!(is_for_services(name), "{name}");
        }
        for name in [
            "HOME",
            "AWS_SECRET_ACCESS_KEY",
            "SUDO_USER",
            "POSTERN_TOKEN",
        ] {
            assert!(!is_for_services(name), "{name}");
        }
    }
}
