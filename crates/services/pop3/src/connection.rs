//! One client's connection, from the greeting to its end.

mod login;
mod retrieve;

use std::sync::Arc;
use std::time::Duration;

use api::login::{ClientConnection, Login, LoginMechanisms};
use api::refusals::Refusals;
use front_end::Listener;
use pop3_protocol::server::{Action, Session, Settings, reply};
use session_io::{Connection, SessionError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::store::{Lock, Store};

/// Timeout of the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Time for the current reply after shutdown has begun.
const DRAIN: Duration = Duration::from_secs(10);

/// Timeout of the last line to a client that may have stopped reading.
const GOODBYE: Duration = Duration::from_secs(1);

/// The state shared by all connections.
pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) mechanisms: LoginMechanisms,
    pub(crate) refusals: Refusals,
    pub(crate) login_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) shutdown: CancellationToken,
}

/// A connection and the state of its session.
struct Client {
    connection: Connection,
    session: Session,
    server: Arc<Server>,
    listener: Arc<Listener<()>>,
    /// Facts about the connection before the login.
    client: ClientConnection,
    /// The running login.
    login: Option<Login>,
    /// Held from the login on.
    lock: Option<Lock>,
    login_deadline: Instant,
}

/// Why a session ends without QUIT.
enum End {
    /// The client has gone or is silent, or the socket failed.
    Session(SessionError),
    /// A message ended in the middle: only closing the connection tells the client.
    BrokenOff,
    /// Another session may have the maildrop.
    MaildropLost,
    /// The process ends, and the client does not read its reply.
    ShutDown,
}

impl From<SessionError> for End {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

/// Serves one client. The maildrop is released in any case.
pub(crate) async fn serve(
    connection: Connection,
    server: Arc<Server>,
    listener: Arc<Listener<()>>,
) {
    let peer = connection.peer();
    let shutdown = server.shutdown.clone();
    let settings = Settings {
        tls_available: listener.tls.is_some(),
        tls_on: listener.implicit_tls,
        plaintext_auth: listener.plaintext_auth,
    };
    let mut client = Client {
        client: ClientConnection::unprotected("pop3", peer.ip()),
        login: None,
        connection,
        session: Session::new(settings),
        login_deadline: Instant::now() + server.login_timeout,
        server,
        listener,
        lock: None,
    };
    let ended = tokio::select! {
        ended = client.run() => ended,
        () = async {
            shutdown.cancelled().await;
            sleep(DRAIN).await;
        } => Err(End::ShutDown),
    };
    client.lock = None;
    match ended {
        Ok(()) => tracing::debug!(%peer, "session ended"),
        Err(End::Session(SessionError::Timeout)) => {
            client.say_last(reply::TIMED_OUT).await;
            tracing::debug!(%peer, "silent for too long");
        }
        Err(End::Session(SessionError::Displaced)) => {
            client.say_last(reply::DISPLACED).await;
            tracing::debug!(%peer, "replaced by another client");
        }
        Err(End::MaildropLost) => {
            client.say_last(reply::MAILDROP_LOST).await;
            tracing::info!(%peer, "the maildrop was lost");
        }
        Err(End::Session(error)) => tracing::debug!(%peer, %error, "connection lost"),
        Err(End::BrokenOff) => tracing::debug!(%peer, "a message broke off"),
        Err(End::ShutDown) => tracing::debug!(%peer, "closed at the shutdown"),
    }
    client.connection.set_timeout(GOODBYE);
    // The client may be gone already.
    let _ = client.connection.close().await;
}

impl Client {
    async fn run(&mut self) -> Result<(), End> {
        if self.listener.implicit_tls {
            self.start_tls().await?;
        }
        self.set_mechanisms();
        self.session.greet(self.connection.output());
        loop {
            let (input, output) = self.connection.buffers();
            match self.session.next(input, output) {
                Action::Read => {
                    let timeout = self.timeout();
                    self.connection.set_timeout(timeout);
                    self.connection.flush().await?;
                    // With more input at hand, no wait would notice the timeout.
                    if timeout.is_zero() {
                        return Err(SessionError::Timeout.into());
                    }
                    if !self.read().await? {
                        return Ok(());
                    }
                }
                Action::Flush => self.connection.flush().await?,
                Action::Login(initiation) => self.begin_login(initiation).await,
                Action::Response(response) => self.respond(response).await,
                Action::LoginRefused(fault) => {
                    self.login = None;
                    self.login_refused(&fault);
                }
                Action::StartTls => {
                    self.connection.flush().await?;
                    self.start_tls().await?;
                    self.session.tls_started();
                    self.set_mechanisms();
                }
                Action::Retrieve { uid, size } => self.retrieve(uid, size).await?,
                Action::Top { uid, lines } => self.top(uid, lines).await?,
                Action::Commit(uids) => self.commit(&uids).await?,
                Action::Close => {
                    self.connection.flush().await?;
                    return Ok(());
                }
            }
        }
    }

    /// How long the client may take for its next input. Before the login one deadline covers everything:
    /// otherwise single octets would keep a connection for ever (I7).
    fn timeout(&self) -> Duration {
        match self.lock {
            Some(_) => self.server.idle_timeout,
            None => self
                .login_deadline
                .saturating_duration_since(Instant::now()),
        }
    }

    async fn say_last(&mut self, line: &[u8]) {
        self.connection.output().extend_from_slice(line);
        self.connection.set_timeout(GOODBYE);
        // The client may have stopped reading.
        let _ = self.connection.flush().await;
    }

    /// Reads more. False when the client has gone or the process ends.
    async fn read(&mut self) -> Result<bool, End> {
        let lock = &mut self.lock;
        let lost = async {
            match lock {
                Some(lock) => lock.lost().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = lost => return Err(End::MaildropLost),
            read = self.connection.fill() => {
                let read = read?;
                if lock.is_some() {
                    self.connection.of_use();
                }
                return Ok(read > 0);
            }
            () = self.server.shutdown.cancelled() => {}
        }
        // Between commands nothing is lost: messages marked as deleted stay (RFC 1939 §6).
        self.connection
            .output()
            .extend_from_slice(reply::SHUTTING_DOWN);
        self.connection.flush().await?;
        Ok(false)
    }

    async fn start_tls(&mut self) -> Result<(), End> {
        let Some(tls) = self.listener.tls.clone() else {
            return Err(SessionError::Tls("there is no certificate".to_owned()).into());
        };
        self.connection.set_timeout(HANDSHAKE.min(self.timeout()));
        let secured = self.connection.start_tls(&tls).await;
        self.note_handshake(&secured);
        secured?;
        self.connection.set_timeout(self.timeout());
        Ok(())
    }

    /// QUIT: deletes the marked messages by UID, so that a repetition does no harm.
    async fn commit(&mut self, uids: &[u32]) -> Result<(), End> {
        if let Some(lock) = &mut self.lock
            && lock.is_lost().await
        {
            return Err(End::MaildropLost);
        }
        let deleted = match &self.lock {
            Some(lock) => match self.server.store.delete(lock, uids).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(%error, "messages were not deleted");
                    false
                }
            },
            None => false,
        };
        // A client that polls again at once must find the maildrop free.
        self.lock = None;
        self.session.committed(deleted, self.connection.output());
        Ok(())
    }
}
