//! A connection pooler like PgBouncer: it answers the startup message itself, drops the settings in it, and
//! assigns Postgres sessions according to its mode.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

const SOCKET: &str = ".s.PGSQL.5432";

/// Version 3.0 of the protocol; a request for TLS.
const PROTOCOL: i32 = 196_608;
const TLS: i32 = 80_877_103;

/// The pooler. It ends when dropped.
#[derive(Debug)]
pub struct Pooler {
    url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    _folder: TempDir,
}

#[derive(Debug)]
struct Shared {
    server: PathBuf,
    database: String,
    /// Sessions are returned after each transaction.
    by_transaction: AtomicBool,
    /// Free sessions; the one returned first is used first.
    idle: Mutex<VecDeque<UnixStream>>,
}

impl Pooler {
    /// A pooler that gives each client a session of its own.
    ///
    /// # Panics
    /// If the URL has no socket folder, or nothing can be opened.
    #[must_use]
    pub fn by_session(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (base, server) = url.split_once("?host=").expect("a folder of sockets");
        let database = base.rsplit('/').next().expect("a database").to_owned();
        let shared = Arc::new(Shared {
            server: Path::new(server).join(SOCKET),
            database,
            by_transaction: AtomicBool::new(false),
            idle: Mutex::default(),
        });
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let shared = Arc::clone(&shared);
                    // The client closed the connection.
                    tokio::spawn(async move { shared.serve(client).await.ok() });
                }
            }
        });
        Self {
            url: format!("{base}?host={}", folder.path().display()),
            shared,
            accepting,
            _folder: folder,
        }
    }

    /// A pooler that assigns a session for each transaction.
    #[must_use]
    pub fn by_transaction(url: &str) -> Self {
        let pooler = Self::by_session(url);
        pooler.switch_to_transactions();
        pooler
    }

    /// Switches to returning sessions after each transaction.
    pub fn switch_to_transactions(&self) {
        self.shared.by_transaction.store(true, Ordering::SeqCst);
    }

    /// The URL of the pooler.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    async fn serve(&self, mut client: UnixStream) -> io::Result<()> {
        welcome(&mut client).await?;
        let mut session: Option<UnixStream> = None;
        loop {
            let message = read_message(&mut client).await?;
            let kind = message[0];
            if kind == b'X' {
                return Ok(());
            }
            let server = match &mut session {
                Some(server) => server,
                none => none.insert(self.session().await?),
            };
            server.write_all(&message).await?;
            // Query and Sync are answered up to ReadyForQuery.
            if matches!(kind, b'Q' | b'S') {
                let in_transaction = relay(server, &mut client).await?;
                let by_transaction = self.by_transaction.load(Ordering::SeqCst);
                if by_transaction
                    && !in_transaction
                    && let Some(server) = session.take()
                {
                    self.idle().push_back(server);
                }
            }
        }
    }

    /// A free session, or a new one.
    async fn session(&self) -> io::Result<UnixStream> {
        let idle = self.idle().pop_front();
        match idle {
            Some(server) => Ok(server),
            None => self.connect().await,
        }
    }

    async fn connect(&self) -> io::Result<UnixStream> {
        let mut server = UnixStream::connect(&self.server).await?;
        let mut startup = BytesMut::new();
        startup.put_i32(PROTOCOL);
        for word in ["user", "postgres", "database", &self.database, ""] {
            startup.put_slice(word.as_bytes());
            startup.put_u8(0);
        }
        let length = i32::try_from(startup.len() + 4).map_err(io::Error::other)?;
        server.write_all(&length.to_be_bytes()).await?;
        server.write_all(&startup).await?;
        loop {
            match read_message(&mut server).await?[0] {
                b'Z' => return Ok(server),
                b'E' => return Err(io::Error::other("Postgres refuses the pooler")),
                _ => {}
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, VecDeque<UnixStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the startup message, drops its settings, and reports success.
async fn welcome(client: &mut UnixStream) -> io::Result<()> {
    loop {
        let length = client.read_i32().await?;
        let mut body = vec![0; usize::try_from(length - 4).map_err(io::Error::other)?];
        client.read_exact(&mut body).await?;
        match Bytes::from(body).get_i32() {
            TLS => client.write_all(b"N").await?,
            PROTOCOL => break,
            other => return Err(io::Error::other(format!("startup of version {other}"))),
        }
    }
    let mut answer = BytesMut::new();
    // AuthenticationOk; ReadyForQuery, idle.
    answer.put_slice(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
    client.write_all(&answer).await
}

/// One message: kind, length, body.
async fn read_message(from: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 5];
    from.read_exact(&mut message).await?;
    let length = (&message[1..]).get_i32();
    let length = usize::try_from(length).map_err(io::Error::other)?;
    message.resize(length + 1, 0);
    from.read_exact(&mut message[5..]).await?;
    Ok(message)
}

/// Forwards answers up to ReadyForQuery; returns whether a transaction is open then.
async fn relay(server: &mut UnixStream, client: &mut UnixStream) -> io::Result<bool> {
    loop {
        let message = read_message(server).await?;
        client.write_all(&message).await?;
        if message[0] == b'Z' {
            return Ok(message.get(5) != Some(&b'I'));
        }
    }
}
