//! A running server: start, stop, kill.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::{Cluster, EndSignal, Error, Guard, Setting};

/// Crash recovery of a large write-ahead log takes time.
const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Number of attempts to start while the remains of a killed postmaster disappear.
const START_TRIES: u32 = 50;
const POLL: Duration = Duration::from_millis(10);

/// glibc's memory settings in the backends, unless set in the environment. A statement with a batch of
/// mails needs some hundred KiB, which would be returned to the system after each statement and allocated
/// again, page by page, for the next. Up to 5 MiB of a backend's heap may be kept for nothing.
/// (docker-compose.yml has the same.)
const KEEPS_MEMORY: [(&str, &str); 3] = [
    ("MALLOC_TOP_PAD_", "1048576"),
    ("MALLOC_TRIM_THRESHOLD_", "4194304"),
    ("MALLOC_MMAP_THRESHOLD_", "4194304"),
];

/// A postmaster started by this process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    cluster: Cluster,
}

impl Server {
    pub(crate) fn start(
        cluster: &Cluster,
        settings: &[Setting],
        guard: &Guard,
        end: EndSignal,
    ) -> Result<Self, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut server = Self::spawn(cluster, settings)?;
            guard.watch(server.pid(), end);
            match server.wait_until_ready() {
                Ok(()) => return Ok(server),
                Err(error) => {
                    let _killed = server.kill();
                    guard.forget(server.pid());
                    if !held_by_the_dead(&error) || tries == START_TRIES {
                        return Err(error);
                    }
                    std::thread::sleep(POLL * 10);
                }
            }
        }
    }

    fn spawn(cluster: &Cluster, settings: &[Setting]) -> Result<Self, Error> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&cluster.log)
            .map_err(Error::io(format!("opening {}", cluster.log.display())))?;
        let errors = log
            .try_clone()
            .map_err(Error::io("opening Postgres' log"))?;
        let mut command = cluster
            .account
            .command(&cluster.installation.program("postgres"));
        command
            .arg("-D")
            .arg(&cluster.data)
            .arg("-k")
            .arg(&cluster.sockets);
        command.args([
            "-c",
            "listen_addresses=",
            "-c",
            "port=5432",
            "-c",
            "logging_collector=off",
        ]);
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let unsaid = KEEPS_MEMORY.into_iter();
        command.envs(unsaid.filter(|(name, _)| std::env::var_os(name).is_none()));
        let child = command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(Error::io("starting Postgres"))?;
        Ok(Self {
            child,
            cluster: cluster.clone(),
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the line `ready` in `postmaster.pid`, as `pg_ctl -w` does.
    fn wait_until_ready(&mut self) -> Result<(), Error> {
        let until = Instant::now() + START_LIMIT;
        while Instant::now() < until {
            if !self.is_running() {
                return Err(Error::EndedEarly {
                    log: self.end_of_log(),
                });
            }
            if self.says("ready") {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        Err(Error::TooSlow {
            what: "start",
            seconds: START_LIMIT.as_secs(),
        })
    }

    /// Whether it runs but will end after its last session, because of a SIGTERM. It accepts no connections
    /// any more.
    pub fn is_stopping(&mut self) -> bool {
        self.is_running() && self.says("stopping")
    }

    /// Whether the eighth line of `postmaster.pid` has this state.
    fn says(&self, state: &str) -> bool {
        let file = self.cluster.data.join("postmaster.pid");
        let noted = std::fs::read_to_string(file).unwrap_or_default();
        let mut lines = noted.lines();
        lines.next() == Some(&self.pid().to_string())
            && lines.nth(6).is_some_and(|line| line.trim() == state)
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read(&self.cluster.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    /// Fast shutdown: sessions are ended, all data is written. Waits.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.stop_within(STOP_LIMIT)
    }

    /// [`Self::stop`] with another time limit.
    ///
    /// # Errors
    /// If it does not end in that time.
    pub fn stop_within(&mut self, limit: Duration) -> Result<(), Error> {
        self.end_sessions()?;
        self.wait(limit)
    }

    /// Requests the fast shutdown of [`Self::stop`] without waiting.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn end_sessions(&mut self) -> Result<(), Error> {
        self.signal(Signal::INT)
    }

    /// Immediate shutdown of the server and all its backends, for a cluster that is not needed any more.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn abandon(&mut self) -> Result<(), Error> {
        self.signal(Signal::QUIT)?;
        self.wait(STOP_LIMIT)
    }

    /// `kill -9`: nothing is written. The next start recovers from the write-ahead log.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.signal(Signal::KILL)?;
        self.wait(STOP_LIMIT)
    }

    fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        // `is_running` reaps an ended child, so the id cannot have been reused.
        if !self.is_running() {
            return Ok(());
        }
        let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) else {
            return Ok(());
        };
        rustix::process::kill_process(pid, signal)
            .map_err(|e| Error::io("signalling Postgres")(e.into()))
    }

    fn wait(&mut self, limit: Duration) -> Result<(), Error> {
        let until = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() > until {
                return Err(Error::TooSlow {
                    what: "stop",
                    seconds: limit.as_secs(),
                });
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

/// Whether a start failed because of the remains of a killed postmaster: its backends hold the shared
/// memory until they notice, and the process id in `postmaster.pid` exists until it is reaped.
fn held_by_the_dead(error: &Error) -> bool {
    matches!(error, Error::EndedEarly { log }
        if log.contains("shared memory") || log.contains("lock file \"postmaster.pid\" already exists"))
}

/// Fast shutdown of the server named in `postmaster.pid`, if that process really serves this folder.
pub(crate) fn end_leftover(data: &Path) -> Result<Option<u32>, Error> {
    let noted = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let Some(number) = noted
        .lines()
        .next()
        .and_then(|line| line.trim().parse::<i32>().ok())
    else {
        return Ok(None);
    };
    let serves_this_folder = || {
        let command = std::fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let mut words = command.split(|&byte| byte == 0);
        words.any(|word| word == data.as_os_str().as_encoded_bytes())
    };
    let Some(pid) = Pid::from_raw(number).filter(|_| serves_this_folder()) else {
        return Ok(None);
    };
    rustix::process::kill_process(pid, Signal::INT)
        .map_err(|e| Error::io("signalling Postgres")(e.into()))?;
    let until = Instant::now() + STOP_LIMIT;
    while serves_this_folder() {
        if Instant::now() > until {
            return Err(Error::TooSlow {
                what: "stop",
                seconds: STOP_LIMIT.as_secs(),
            });
        }
        std::thread::sleep(POLL);
    }
    Ok(u32::try_from(number).ok())
}
