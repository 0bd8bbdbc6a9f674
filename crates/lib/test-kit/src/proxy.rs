//! A proxy before a Postgres that breaks, or falls silent, on demand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SOCKET: &str = ".s.PGSQL.5432";

/// The proxy. It ends when dropped.
#[derive(Debug)]
pub struct PostgresProxy {
    url: String,
    line: Arc<Line>,
    accepting: JoinHandle<()>,
    _folder: TempDir,
}

#[derive(Debug)]
struct Line {
    server: PathBuf,
    trap: watch::Sender<Option<Trap>>,
    /// New connections are held.
    held: watch::Sender<bool>,
    /// Counts how often all connections were broken.
    broken: watch::Sender<u64>,
}

/// The event at which the proxy acts.
#[derive(Debug, Clone)]
enum Trap {
    /// An answer that reports a commit.
    Commit,
    /// A statement with this text, at its first use on its connection.
    Statement(&'static str),
}

enum Passing {
    On,
    Broken,
    Silent,
}

impl PostgresProxy {
    /// A proxy for the Postgres with this URL, which must have a socket folder.
    ///
    /// # Panics
    /// If it has none, or nothing can be opened.
    #[must_use]
    pub fn start(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (database, server) = url.split_once("?host=").expect("a folder of sockets");
        let line = Arc::new(Line {
            server: Path::new(server).join(SOCKET),
            trap: watch::Sender::new(None),
            held: watch::Sender::new(false),
            broken: watch::Sender::new(0),
        });
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        let accepting = tokio::spawn({
            let line = Arc::clone(&line);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(Arc::clone(&line).carry(client));
                }
            }
        });
        Self {
            url: format!("{database}?host={}", folder.path().display()),
            line,
            accepting,
            _folder: folder,
        }
    }

    /// The URL of the proxy.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Cuts off Postgres at the next commit, before its answer is forwarded.
    pub fn cut_off_behind_the_next_commit(&self) {
        self.line.trap.send_replace(Some(Trap::Commit));
    }

    /// Waits until this has happened.
    pub async fn is_cut_off(&self) {
        let mut held = self.line.held.subscribe();
        // The sender lives as long as this.
        let _ = held.wait_for(|held| *held).await;
    }

    /// Reconnects Postgres.
    pub fn mend(&self) {
        self.line.held.send_replace(false);
    }

    /// Makes the next connection that prepares a statement with this text fall silent for ever, as if its
    /// machine were lost. All others break.
    pub fn fall_silent_at(&self, statement: &'static str) {
        let trap = Trap::Statement(statement);
        self.line.trap.send_replace(Some(trap));
    }

    /// Waits until this has happened.
    pub async fn is_silent(&self) {
        let mut trap = self.line.trap.subscribe();
        let _ = trap.wait_for(Option::is_none).await;
    }
}

impl Drop for PostgresProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.line.broken.send_modify(|times| *times += 1);
    }
}

impl Line {
    async fn carry(self: Arc<Self>, mut client: UnixStream) {
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| !held).await;
        let mut broken = self.broken.subscribe();
        let Ok(mut server) = UnixStream::connect(&self.server).await else {
            return;
        };
        let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            let (passing, sent) = tokio::select! {
                _ = broken.changed() => return,
                read = client.read(&mut up) => {
                    let Ok(count @ 1..) = read else { return };
                    match self.asked(&up[..count]) {
                        Passing::On => (Passing::On, server.write_all(&up[..count]).await),
                        other => (other, Ok(())),
                    }
                }
                read = server.read(&mut down) => {
                    let Ok(count @ 1..) = read else { return };
                    match self.answered(&down[..count]) {
                        Passing::On => (Passing::On, client.write_all(&down[..count]).await),
                        other => (other, Ok(())),
                    }
                }
            };
            match passing {
                Passing::On if sent.is_ok() => {}
                Passing::On | Passing::Broken => return,
                Passing::Silent => {
                    // Stays open to the end of the test.
                    let _ = client.read_to_end(&mut Vec::new()).await;
                    return;
                }
            }
        }
    }

    fn asked(&self, bytes: &[u8]) -> Passing {
        let text = match &*self.trap.borrow() {
            Some(Trap::Statement(text)) => *text,
            _ => return Passing::On,
        };
        if !contains(bytes, text.as_bytes()) {
            return Passing::On;
        }
        self.broken.send_modify(|times| *times += 1);
        self.trap.send_replace(None);
        Passing::Silent
    }

    /// By the tags of CommandComplete: Postgres sends its answers after the end of the transaction.
    fn answered(&self, bytes: &[u8]) -> Passing {
        let trapped = matches!(*self.trap.borrow(), Some(Trap::Commit));
        let says = |tag: &[u8]| contains(bytes, tag);
        if !(trapped && (says(b"INSERT 0 1\0") || says(b"COMMIT\0"))) {
            return Passing::On;
        }
        self.trap.send_replace(None);
        self.held.send_replace(true);
        self.broken.send_modify(|times| *times += 1);
        Passing::Broken
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
