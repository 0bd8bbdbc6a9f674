//! One client's session: reads commands and responds in order.
//!
//! This file decides when a command is valid and which module executes it. Each command has its own file.

mod append;
mod copy;
mod execute;
mod expunge;
mod fetch;
mod idle;
mod input;
mod list;
mod login;
mod mailboxes;
mod search;
mod secure;
mod select;
mod selected;
mod status;
mod store;
mod sync;

use std::sync::Arc;

use api::actor::v1::Actor;
use api::login::ClientConnection;
use front_end::Listener;
use imap_protocol::response::{Code, Condition, put_condition, put_continuation};
use imap_protocol::{Command, CommandError, Event, Phase, Reader, State, Tag};
use sasl::LoginFault;
use selected::{OpenMailbox, flush_if_large};
use session_io::Connection;
use sync::Sync;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Stop};
use crate::capability::Announce;
use crate::server::Server;
use crate::users::UserConnection;

/// Output is flushed at this size, even while a command runs.
const FLUSH_AT: usize = 32 * 1024;

/// Timeout of the TLS handshake.
const HANDSHAKE: std::time::Duration = std::time::Duration::from_secs(30);

/// Time for the running command after shutdown has begun.
const DRAIN: std::time::Duration = std::time::Duration::from_secs(10);

/// A client's session.
pub(crate) struct Session {
    io: Connection,
    reader: Reader,
    server: Arc<Server>,
    listener: Arc<Listener<()>>,
    shutdown: CancellationToken,
    login_deadline: Instant,
    /// Facts about the connection before the login.
    client: ClientConnection,
    /// The user who has logged in, with their share of the connection limit.
    user: Option<UserConnection>,
    /// The address that they logged in with.
    login: String,
    open: Option<Box<OpenMailbox>>,
    /// BYE was sent.
    ended: bool,
    bad_commands: u32,
    failed_logins: u32,
    /// Logins that were refused without asking the directory.
    unusable_logins: u32,
}

/// The response to a command whose mailbox has been deleted.
fn mailbox_deleted() -> Answer {
    Answer::no_with(Code::NonExistent, "The mailbox was deleted.")
}

impl Session {
    pub(crate) fn new(
        server: Arc<Server>,
        listener: Arc<Listener<()>>,
        shutdown: CancellationToken,
        io: Connection,
    ) -> Self {
        Self {
            client: ClientConnection::unprotected("imap", io.peer().ip()),
            io,
            reader: Reader::new(imap_protocol::Limits::default()),
            login_deadline: Instant::now() + server.login_timeout,
            server,
            listener,
            shutdown,
            user: None,
            login: String::new(),
            open: None,
            ended: false,
            bad_commands: 0,
            failed_logins: 0,
            unusable_logins: 0,
        }
    }

    /// The whole session, from the greeting to the end of the connection.
    pub(crate) async fn run(mut self) {
        metrics::gauge!("postern_imap_sessions").increment(1.0);
        let shutdown = self.shutdown.clone();
        let served = tokio::select! {
            served = self.serve() => served,
            // A client that does not read its response is not waited for.
            () = async {
                shutdown.cancelled().await;
                sleep(DRAIN).await;
            } => Err(Stop::Lost),
        };
        // Before the last response is sent: its reader may log in again at once.
        self.user = None;
        if served.is_ok()
            && self.io.flush().await.is_ok()
            && let Err(error) = self.io.close().await
        {
            tracing::debug!(%error, "the connection was not closed in order");
        }
        metrics::gauge!("postern_imap_sessions").decrement(1.0);
    }

    async fn serve(&mut self) -> Result<(), Stop> {
        self.io
            .set_timeout(self.server.login_timeout.min(HANDSHAKE));
        if self.listener.implicit_tls
            && let Some(tls) = self.listener.tls.clone()
        {
            self.secure(&tls).await?;
        }
        self.greet();
        while !self.ended {
            match self.reader.next(self.io.input()) {
                Event::NeedInput => {
                    if !self.wait_for_input().await? {
                        return Ok(());
                    }
                }
                Event::Continue => put_continuation(self.io.output(), "Go on."),
                Event::Command(tag, phase, command) => self.command(&tag, phase, *command).await?,
                Event::Append(head) => Box::pin(self.append(*head)).await?,
                Event::Invalid(tag, error) => self.invalid(tag.as_ref(), error),
                Event::Fatal(_) => self.bye(None, "The input is too large."),
                // Only expected during an APPEND; there is none now.
                Event::Data(_) | Event::AppendEnd => {}
            }
        }
        Ok(())
    }

    fn greet(&mut self) {
        let code = Code::Capability(self.capabilities());
        self.say(Condition::Ok, Some(code), "Postern ready.");
    }

    fn capabilities(&self) -> String {
        Announce {
            authenticated: self.user.is_some(),
            starttls: self.listener.tls.is_some() && !self.io.is_tls(),
            mechanisms: self.mechanisms(),
            max_message_size: self.server.max_message_size,
        }
        .list()
    }

    fn state(&self) -> State {
        match (self.ended, &self.user, &self.open) {
            (true, ..) => State::Logout,
            (_, None, _) => State::NotAuthenticated,
            (_, _, None) => State::Authenticated,
            _ => State::Selected,
        }
    }

    async fn command(&mut self, tag: &Tag, phase: Phase, command: Command) -> Result<(), Stop> {
        if !self.state().allows(phase) {
            self.bad_commands += 1;
            self.tagged(tag, &Answer::not_in_this_state());
            self.end_if_flooded();
            return Ok(());
        }
        metrics::counter!("postern_imap_commands_total").increment(1);
        self.bad_commands = 0;
        // IDLE lasts long: its future is kept out of the large one of the other commands.
        if command == Command::Idle {
            return self.idle(tag).await;
        }
        let sync = Sync::after(&command);
        if let Some(before) = sync.before(&command) {
            Box::pin(self.sync(before)).await;
            if self.ended {
                self.tagged(tag, &mailbox_deleted());
                return Ok(());
            }
        }
        let answer = match Box::pin(self.execute(tag, command)).await {
            Ok(answer) | Err(Stop::Answer(answer)) => answer,
            Err(Stop::Said) => return Ok(()),
            Err(Stop::Lost) => return Err(Stop::Lost),
        };
        Box::pin(self.sync(sync)).await;
        self.tagged(tag, &answer);
        self.flush_if_large().await
    }

    fn invalid(&mut self, tag: Option<&Tag>, error: CommandError) {
        self.bad_commands += 1;
        let text = format!("{error}.");
        let (condition, code) = match error {
            CommandError::Charset => (Condition::No, Some(Code::BadCharset)),
            CommandError::LiteralTooLarge => (Condition::No, Some(Code::TooBig)),
            _ => (Condition::Bad, None),
        };
        put_condition(self.io.output(), tag, condition, code.as_ref(), &text);
        if error == CommandError::NotBase64 && self.user.is_none() {
            self.login_refused(&LoginFault::Malformed);
        }
        self.end_if_flooded();
    }

    fn end_if_flooded(&mut self) {
        let most = self.bad_commands.max(self.unusable_logins);
        if !self.ended && most >= self.server.max_bad_commands {
            self.bye(Some(Code::ClientBug), "Too many invalid commands.");
        }
    }

    fn say(&mut self, condition: Condition, code: Option<Code>, text: &str) {
        put_condition(self.io.output(), None, condition, code.as_ref(), text);
    }

    fn tagged(&mut self, tag: &Tag, answer: &Answer) {
        put_condition(
            self.io.output(),
            Some(tag),
            answer.condition,
            answer.code.as_ref(),
            &answer.text,
        );
    }

    fn bye(&mut self, code: Option<Code>, text: &str) {
        self.ended = true;
        self.say(Condition::Bye, code, text);
    }

    async fn flush_if_large(&mut self) -> Result<(), Stop> {
        if self.user.is_some() {
            return flush_if_large(&mut self.io).await;
        }
        if self.io.output().len() >= FLUSH_AT {
            self.io.flush().await?;
        }
        Ok(())
    }

    /// The user who has logged in. Commands that need it run only after the login.
    fn user(&self) -> Result<i64, Stop> {
        match &self.user {
            Some(connection) => Ok(connection.user()),
            None => Err(Answer::bad("Log in first.").into()),
        }
    }

    /// The actor for calls to mailbox-store.
    fn actor(&self) -> Result<Actor, Stop> {
        let user_id = self.user()?;
        Ok(Actor::user(user_id, &self.login, self.client.peer))
    }
}
