//! A Postgres for a test process, removed when the process ends, whatever the cause.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use private_postgres::{Account, Cluster, EndSignal, Guard, Server, Setting};

/// A unit test's database need not survive a crash of the machine.
const THROW_AWAY: &[Setting] = &[
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "300"),
    ("shared_buffers", "64MB"),
];

/// For tests that kill Postgres: committed data is on disk.
const DURABLE: &[Setting] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("max_connections", "300"),
    ("shared_buffers", "64MB"),
];

/// The Postgres shared by the tests of a process. Each test uses its own database.
///
/// Tests of one process run as threads, and statics are never dropped, so the [`Guard`] stops the cluster.
#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
    _server: Mutex<Server>,
    _guard: Guard,
}

static SHARED: LazyLock<Postgres> = LazyLock::new(|| {
    let guard = Guard::start().expect("starting the guard of a throw-away Postgres");
    let cluster = throw_away_cluster(&guard);
    let server = cluster
        .start(THROW_AWAY, &guard, EndSignal::Quit)
        .expect("starting a throw-away Postgres");
    Postgres {
        cluster,
        _server: Mutex::new(server),
        _guard: guard,
    }
});

impl Postgres {
    /// Starts it, or returns the one already started.
    #[must_use]
    pub fn start() -> &'static Self {
        &SHARED
    }

    /// The URL of a new, empty database.
    pub async fn database(&self) -> String {
        let cluster = self.cluster.clone();
        tokio::task::spawn_blocking(move || fresh_database(&cluster))
            .await
            .expect("making a database")
    }
}

/// A test's own Postgres with production durability, to be killed and restarted.
#[derive(Debug)]
pub struct DurablePostgres {
    cluster: Cluster,
    server: Mutex<Server>,
    guard: Guard,
}

impl DurablePostgres {
    /// Creates and starts it; it ends when dropped.
    #[must_use]
    pub fn start() -> Self {
        let guard = Guard::start().expect("starting the guard of a throw-away Postgres");
        let cluster = throw_away_cluster(&guard);
        let server = cluster
            .start(DURABLE, &guard, EndSignal::Quit)
            .expect("starting a durable throw-away Postgres");
        Self {
            cluster,
            server: Mutex::new(server),
            guard,
        }
    }

    /// The URL of a new, empty database. Blocks for some milliseconds.
    #[must_use]
    pub fn database(&self) -> String {
        fresh_database(&self.cluster)
    }

    /// `kill -9` of the postmaster. Only uncommitted data is lost.
    pub fn kill(&self) {
        self.server().kill().expect("killing Postgres");
    }

    /// Restarts it after [`Self::kill`] and waits for the end of recovery.
    pub fn restart(&self) {
        self.start_again(DURABLE);
    }

    /// The same, without flushing later commits: as after a failover to a wrongly configured server.
    pub fn restart_without_fsync(&self) {
        self.start_again(THROW_AWAY);
    }

    fn start_again(&self, settings: &[Setting]) {
        let mut server = self.server();
        self.guard.forget(server.pid());
        *server = self
            .cluster
            .start(settings, &self.guard, EndSignal::Quit)
            .expect("starting a killed Postgres again");
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DurablePostgres {
    fn drop(&mut self) {
        // The guard ends what does not end here, and removes the folder.
        let _stopped = self.server().abandon();
    }
}

fn throw_away_cluster(guard: &Guard) -> Cluster {
    let account = Account::unprivileged().expect("somebody to run Postgres as");
    let folder = short_folder();
    account
        .own(&folder)
        .expect("giving the folder to the database's user");
    guard.remove_folder(&folder);
    let cluster = Cluster::at(&folder.join("data"), &folder, &folder.join("log"), account)
        .expect("a Postgres installation");
    cluster.initialise(false).expect("initdb");
    cluster
}

/// A folder with a path short enough for a socket. The guard removes it.
fn short_folder() -> PathBuf {
    let wanted = std::env::temp_dir();
    let fits = wanted.as_os_str().len() + 20 < private_postgres::longest_socket_directory();
    let parent = if fits {
        wanted
    } else {
        Path::new("/tmp").to_owned()
    };
    tempfile::Builder::new()
        .prefix("postern-pg-")
        .tempdir_in(parent)
        .expect("making a temporary folder")
        .keep()
}

fn fresh_database(cluster: &Cluster) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    cluster
        .execute(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE template0"),
        )
        .expect("making a database");
    cluster.url(&name)
}
