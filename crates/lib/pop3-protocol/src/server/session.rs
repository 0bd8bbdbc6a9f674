//! A session: commands in, answers and actions out.

mod answer;
mod authorization;
mod transaction;

use bytes::BytesMut;
use sasl::{Initiation, LoginFault, Mechanisms, Response};

use super::command::{Command, CommandError, Phase};
use super::line::{Cut, Lines};
use super::maildrop::Maildrop;
use answer::{ok, refuse};
use transaction::Listing;

/// Invalid lines before the session is closed.
const MOST_ERRORS: u32 = 20;

/// Failed logins before the session is closed.
const MOST_FAILURES: u32 = 3;

/// Pending output at which the session flushes before it reads on (I7).
const ENOUGH_OUTPUT: usize = 64 * 1024;

/// The listener's settings.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// TLS can be started.
    pub tls_available: bool,
    /// Implicit TLS is active.
    pub tls_on: bool,
    /// Passwords are accepted without TLS.
    pub plaintext_auth: bool,
}

/// The driver's next task.
#[derive(Debug)]
pub enum Action {
    /// Flush, read more, call again.
    Read,
    /// Flush, call again.
    Flush,
    /// Start this login. Call [`Session::challenge`], or end it: if it succeeds, lock the maildrop and call
    /// [`Session::accept`], otherwise [`Session::refuse`] or [`Session::refuse_after_challenge`]. An
    /// earlier login in progress was aborted.
    Login(Initiation),
    /// Continue the login, as for [`Action::Login`].
    Response(Response),
    /// Record a login that the session has refused. The reply has been written. An earlier login in
    /// progress was aborted.
    LoginRefused(LoginFault),
    /// Flush, drop the input, start TLS, call [`Session::tls_started`].
    StartTls,
    /// Send the message with this UID, beginning with [`super::reply::message_follows`].
    Retrieve {
        /// The message.
        uid: u32,
        /// Its size.
        size: u64,
    },
    /// Send the message's header and this number of lines of its text, beginning with
    /// [`super::reply::top_follows`].
    Top {
        /// The message.
        uid: u32,
        /// The number of lines.
        lines: u64,
    },
    /// Delete these messages (there is at least one), then call [`Session::committed`].
    Commit(Vec<u32>),
    /// Flush and close.
    Close,
}

/// The reason why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Name or password is wrong.
    Wrong,
    /// The token or the certificate is invalid.
    Failed,
    /// A response violates the mechanism's grammar.
    Malformed,
    /// Too many failed attempts: wait this number of seconds.
    Slow(u32),
    /// Another session holds the maildrop.
    InUse,
    /// A service does not work.
    Unavailable,
}

/// One client's session.
pub struct Session {
    settings: Settings,
    mechanisms: Mechanisms,
    state: State,
    lines: Lines,
    errors: u32,
    failures: u32,
}

enum State {
    Authorization {
        /// After USER.
        user: Option<String>,
    },
    /// After a challenge.
    AwaitResponse {
        /// The refusal that follows any response.
        refusal: Option<Refusal>,
    },
    /// The driver is checking a login or deleting messages.
    Busy,
    Transaction {
        maildrop: Maildrop,
        listing: Option<Listing>,
    },
    Closed,
}

impl Session {
    /// A client has connected.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            mechanisms: Mechanisms::NONE,
            state: State::Authorization { user: None },
            lines: Lines::default(),
            errors: 0,
            failures: 0,
        }
    }

    /// Sets the mechanisms of the connection in its current state.
    pub fn set_mechanisms(&mut self, mechanisms: Mechanisms) {
        self.mechanisms = mechanisms;
    }

    /// Writes the greeting. It contains no version, and no timestamp since APOP is not supported.
    pub fn greet(&self, output: &mut BytesMut) {
        ok("POP3 server ready.", output);
    }

    /// Processes commands from the input until the driver has a task.
    pub fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Action {
        loop {
            if matches!(self.state, State::Closed) {
                return Action::Close;
            }
            if output.len() >= ENOUGH_OUTPUT {
                return Action::Flush;
            }
            if let State::Transaction { maildrop, listing } = &mut self.state
                && let Some(running) = listing
            {
                if running.go_on(maildrop, ENOUGH_OUTPUT, output) {
                    *listing = None;
                }
                continue;
            }
            let action = match self.lines.cut(input) {
                Cut::More => return Action::Read,
                Cut::TooLong => self.too_long(output),
                Cut::Line(line) => self.line(&line, output),
            };
            if let Some(action) = action {
                return action;
            }
        }
    }

    /// Aborts a login in progress.
    fn too_long(&mut self, output: &mut BytesMut) -> Option<Action> {
        if !matches!(self.state, State::AwaitResponse { .. }) {
            return self.error("The line is too long.", output);
        }
        self.state = State::Authorization { user: None };
        self.login_refused("The line is too long.", LoginFault::Malformed, output)
    }

    fn line(&mut self, line: &[u8], output: &mut BytesMut) -> Option<Action> {
        if let State::AwaitResponse { refusal } = self.state {
            return self.response(line, refusal, output);
        }
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(CommandError::Unknown) => return self.error("Unknown command.", output),
            Err(CommandError::Arguments) => return self.error("Wrong arguments.", output),
            Err(CommandError::AuthArguments) => {
                return self.login_refused("Wrong arguments.", LoginFault::Malformed, output);
            }
        };
        match (command.phase(), &self.state) {
            (Phase::Any, _)
            | (Phase::Authorization, State::Authorization { .. })
            | (Phase::Transaction, State::Transaction { .. }) => self.command(command, output),
            (Phase::Authorization, _) => self.error("You are logged in already.", output),
            (Phase::Transaction, _) => self.error("Log in first.", output),
        }
    }

    fn command(&mut self, command: Command, output: &mut BytesMut) -> Option<Action> {
        match command {
            Command::Capa => self.capabilities(output),
            Command::Quit => return self.quit(output),
            Command::Stls => return self.stls(output),
            Command::User(user) => return self.user(user, output),
            Command::Pass(password) => return self.pass(password, output),
            Command::Auth(auth) => return self.auth(auth, output),
            Command::Noop => ok("", output),
            command => return self.in_transaction(&command, output),
        }
        None
    }

    /// QUIT (RFC 1939 §6): the marked messages are deleted only now.
    fn quit(&mut self, output: &mut BytesMut) -> Option<Action> {
        if let State::Transaction { maildrop, .. } = &self.state {
            let marked = maildrop.marked();
            if !marked.is_empty() {
                self.state = State::Busy;
                return Some(Action::Commit(marked));
            }
        }
        ok("Goodbye.", output);
        self.state = State::Closed;
        Some(Action::Close)
    }

    /// The messages of [`Action::Commit`] are deleted, or some of them are not.
    pub fn committed(&mut self, all: bool, output: &mut BytesMut) {
        if all {
            ok("Goodbye.", output);
        } else {
            refuse("[SYS/TEMP] Some deleted messages were not removed.", output);
        }
        self.state = State::Closed;
    }

    /// Answers a login that is refused without the directory. It counts as an invalid command.
    fn login_refused(
        &mut self,
        text: &str,
        fault: LoginFault,
        output: &mut BytesMut,
    ) -> Option<Action> {
        // If the session ends, [`Action::Close`] follows.
        self.error(text, output);
        Some(Action::LoginRefused(fault))
    }

    /// Answers an invalid command; too many end the session (I7).
    fn error(&mut self, text: &str, output: &mut BytesMut) -> Option<Action> {
        refuse(text, output);
        self.errors += 1;
        if self.errors < MOST_ERRORS {
            return None;
        }
        refuse("Too many errors.", output);
        self.state = State::Closed;
        Some(Action::Close)
    }
}
