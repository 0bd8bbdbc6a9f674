//! The database: the one named by `POSTERN_DATABASE_URL`, or a private Postgres in the data folder.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use private_postgres::{Account, Cluster, EndSignal, Guard, Server, Setting};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;

use super::Stop;
use super::backoff::Backoff;
use super::directory::Directory;
use super::folder::{Folder, fingerprint};
use super::safe_path;
use super::screen::Screen;

mod home;

/// Durable, and tuned for many small transactions on one machine.
const SETTINGS: &[Setting] = &[
    // I1: 250 means committed to disk.
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("max_connections", "150"),
    ("shared_buffers", "256MB"),
    // Bodies are written to the log once: with few, long checkpoints each page is written less often.
    ("wal_buffers", "16MB"),
    ("max_wal_size", "4GB"),
    ("min_wal_size", "512MB"),
    ("checkpoint_timeout", "15min"),
    ("checkpoint_completion_target", "0.9"),
    // Statements are short and their plans simple.
    ("jit", "off"),
    ("random_page_cost", "1.1"),
    // The queue's rows live for milliseconds.
    ("autovacuum_naptime", "15s"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
];

/// Interval of checks: a Postgres that was asked to end does not notify its parent.
const LOOK: Duration = Duration::from_secs(1);

/// Time limit for its end. (The last checkpoint writes all its buffers.)
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// The database's name in the private Postgres.
const NAME: &str = "postern";

/// The database of a running system.
#[derive(Debug)]
pub(super) enum Database {
    /// Run by others.
    External,
    /// Run by this program.
    Private(Box<Private>),
}

#[derive(Debug)]
pub(super) struct Private {
    cluster: Cluster,
    guard: Arc<Guard>,
    server: Option<Server>,
    url: String,
}

impl Database {
    /// Opens the database; creates and starts a private one if none is named.
    pub(super) async fn open(
        folder: &Folder,
        guard: Arc<Guard>,
        screen: &Screen,
    ) -> anyhow::Result<Self> {
        if std::env::var_os("POSTERN_DATABASE_URL").is_some() {
            screen.progress("postgres", "the one that POSTERN_DATABASE_URL names");
            return Ok(Self::External);
        }
        let account = Account::unprivileged()?;
        let cluster = cluster(folder, account, screen)?;
        let private = spawn_blocking({
            let screen = screen.clone();
            move || start_private(cluster, guard, &screen)
        });
        let private = private.await.context("starting Postgres")??;
        screen.progress("postgres", "ready");
        Ok(Self::Private(Box::new(private)))
    }

    /// The URL for the services; none if the environment has it.
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::External => None,
            Self::Private(private) => Some(&private.url),
        }
    }

    /// Restarts the private Postgres whenever it ends, until the drain. After a SIGTERM from elsewhere it
    /// refuses new sessions and waits for the existing ones, which never end: they are ended, so that it
    /// can be restarted.
    pub(super) async fn restart_when_it_dies(&mut self, screen: &Screen, stop: &Stop) {
        let Self::Private(private) = self else {
            return stop.drain.cancelled().await;
        };
        let Ok(mut child_ended) = signal(SignalKind::child()) else {
            return stop.drain.cancelled().await;
        };
        let mut backoff = Backoff::new();
        let mut started = std::time::Instant::now();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hurried = None;
        loop {
            if !private.is_running() {
                let wait = backoff.after(started.elapsed());
                screen.progress(
                    "postgres",
                    &format!("ended; starting again in {} ms", wait.as_millis()),
                );
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = stop.drain.cancelled() => return,
                }
                started = std::time::Instant::now();
                match private.start_again().await {
                    Ok(()) => screen.progress("postgres", "ready again"),
                    Err(error) => screen.progress("postgres", &format!("{error:#}")),
                }
                continue;
            }
            if let Some(stopping) = private.stopping().filter(|pid| hurried != Some(*pid)) {
                hurried = Some(stopping);
                private.hurry(screen);
            }
            tokio::select! {
                _ = child_ended.recv() => {}
                _ = look.tick() => {}
                () = stop.drain.cancelled() => return,
            }
        }
    }

    /// Stops the private Postgres.
    ///
    /// # Errors
    /// If it does not stop: it is killed when the guard is dropped.
    pub(super) async fn stop(self, screen: &Screen) -> anyhow::Result<()> {
        self.stop_within(STOP_LIMIT, screen).await
    }

    async fn stop_within(self, limit: Duration, screen: &Screen) -> anyhow::Result<()> {
        let Self::Private(mut private) = self else {
            return Ok(());
        };
        let Some(mut server) = private.server.take() else {
            return Ok(());
        };
        let pid = server.pid();
        let stopped = spawn_blocking(move || server.stop_within(limit)).await;
        let stopped = stopped.map_err(anyhow::Error::from);
        if let Err(error) = stopped.and_then(|stopped| Ok(stopped?)) {
            screen.progress(
                "postgres",
                &format!("{error:#}: ending process {pid} by force"),
            );
            return Err(error.context(format!(
                "Postgres (process {pid}) had to be ended by force. What was committed is not lost: the next \
                 `postern up` recovers it, and a copy of the data folder made before is not a clean one. Why it did \
                 not stop may stand in {}",
                private.cluster.log().display(),
            )));
        }
        screen.progress("postgres", "stopped");
        private.guard.forget(pid);
        Ok(())
    }
}

impl Private {
    fn is_running(&mut self) -> bool {
        self.server.as_mut().is_some_and(Server::is_running)
    }

    /// Its process id, if it was asked to end and waits for its sessions.
    fn stopping(&mut self) -> Option<u32> {
        let server = self.server.as_mut()?;
        server.is_stopping().then(|| server.pid())
    }

    fn hurry(&mut self, screen: &Screen) {
        screen.progress(
            "postgres",
            "was told to end (not by us): ending its sessions to start it again",
        );
        if let Some(Err(error)) = self.server.as_mut().map(Server::end_sessions) {
            screen.progress("postgres", &error.to_string());
        }
    }

    async fn start_again(&mut self) -> anyhow::Result<()> {
        if let Some(ended) = self.server.take() {
            self.guard.forget(ended.pid());
        }
        let (cluster, guard) = (self.cluster.clone(), Arc::clone(&self.guard));
        let server = spawn_blocking(move || cluster.start(SETTINGS, &guard, EndSignal::Int));
        self.server = Some(server.await.context("starting Postgres")??);
        Ok(())
    }
}

fn start_private(cluster: Cluster, guard: Arc<Guard>, screen: &Screen) -> anyhow::Result<Private> {
    if let Some(pid) = cluster.end_leftover()? {
        screen.progress(
            "postgres",
            &format!("ended process {pid}, left behind by an earlier run"),
        );
    }
    let fresh = !cluster.is_initialised();
    if fresh {
        screen.progress("postgres", "making a database (first run)");
        cluster.initialise(true)?;
    }
    let server = cluster.start(SETTINGS, &guard, EndSignal::Int)?;
    // A first run may have ended between initdb and this point.
    let known = cluster.execute(
        "postgres",
        &format!("SELECT 1 FROM pg_database WHERE datname = '{NAME}'"),
    )?;
    if known.trim().is_empty() {
        cluster.execute("postgres", &format!("CREATE DATABASE {NAME}"))?;
    }
    let url = cluster.url(NAME);
    Ok(Private {
        cluster,
        guard,
        server: Some(server),
        url,
    })
}

/// Describes the cluster, and gives its folders to its account.
fn cluster(folder: &Folder, account: Account, screen: &Screen) -> anyhow::Result<Cluster> {
    let usual = folder.database();
    let (data, sockets) = if usual.is_symlink() {
        home::adopt(&usual, folder.root())?
    } else if account.reaches(&usual) {
        (usual, folder.database_sockets().to_owned())
    } else if usual.exists() {
        bail!(
            "the database's user cannot enter {}, and the database is in it: move the data folder to where that \
             user can pass, such as /srv, or open the folders above it (chmod o+x)",
            folder.root().display()
        );
    } else {
        elsewhere(folder, screen)?
    };
    if data.exists() {
        home::own_all(&data, account)?;
    }
    // Whoever can open the socket is superuser: only the database's user and root may.
    match account.change_to() {
        Some(owner) => {
            let sockets = Directory::open(&sockets)?;
            sockets.set_mode(0o700)?;
            sockets.own(owner)?;
        }
        None => std::fs::set_permissions(&sockets, Permissions::from_mode(0o700))
            .with_context(|| format!("closing {}", sockets.display()))?,
    }
    Ok(Cluster::at(
        &data,
        &sockets,
        &folder.log("postgres"),
        account,
    )?)
}

/// Started by root in a folder that only root may enter, such as its home: the database's user cannot enter
/// the data folder, so the database is under `/var/lib`, with a link in the data folder.
fn elsewhere(folder: &Folder, screen: &Screen) -> anyhow::Result<(PathBuf, PathBuf)> {
    let home = Path::new("/var/lib/postern").join(format!("{:08x}", fingerprint(folder.root())));
    let sockets = home.join("socket");
    safe_path::make(&home)?;
    std::fs::create_dir_all(&sockets).with_context(|| format!("making {}", sockets.display()))?;
    let data = home.join("postgres");
    screen.line(&format!(
        "The database's user cannot enter {}: the database is in {}.",
        folder.root().display(),
        data.display()
    ));
    home::note_owner(&home, folder.root())?;
    let link = folder.database();
    std::os::unix::fs::symlink(&data, &link)
        .with_context(|| format!("making {}", link.display()))?;
    Ok((data, sockets))
}

#[cfg(test)]
mod tests;
