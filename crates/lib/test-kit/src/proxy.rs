//! A way to a Postgres that breaks, or falls silent, at a moment of the test's choice.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SOCKET: &str = ".s.PGSQL.5432";

/// See the module. It ends when dropped.
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
    /// No new connection comes through.
    held: watch::Sender<bool>,
    /// Counts the times at which all connections were broken.
    broken: watch::Sender<u64>,
}

/// What the line waits for.
#[derive(Debug, Clone)]
enum Trap {
    /// An answer that says that something was committed.
    Commit,
    /// A statement with this in its text, sent for the first time on its connection.
    Statement(&'static str),
}

enum Passing {
    On,
    Broken,
    Silent,
}

impl PostgresProxy {
    /// Before the Postgres of this URL, which names a folder of sockets.
    ///
    /// # Panics
    /// When it does not, or nothing can be opened.
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

    /// The URL to give to those who are to come this way.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From the next commit on Postgres cannot be reached; whether it was committed is not told.
    pub fn cut_off_behind_the_next_commit(&self) {
        self.line.trap.send_replace(Some(Trap::Commit));
    }

    /// Waits until that has happened.
    pub async fn is_cut_off(&self) {
        let mut held = self.line.held.subscribe();
        // The sender lives as long as this.
        let _ = held.wait_for(|held| *held).await;
    }

    /// Postgres can be reached again.
    pub fn mend(&self) {
        self.line.held.send_replace(false);
    }

    /// The connection that is the next to prepare a statement with this in its text falls silent
    /// for ever, as if the machine behind it had gone. All others break.
    pub fn fall_silent_at(&self, statement: &'static str) {
        let trap = Trap::Statement(statement);
        self.line.trap.send_replace(Some(trap));
    }

    /// Waits until that has happened.
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
                    // Open to the end of the test.
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

    /// By the tags of CommandComplete: Postgres writes its answers when the transaction has ended.
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
