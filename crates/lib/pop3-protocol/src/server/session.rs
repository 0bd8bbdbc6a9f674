//! A session: commands in, answers and actions out.

mod answer;
mod authorization;
mod transaction;

use bytes::BytesMut;
use sasl::{Initiation, Mechanisms, Response};

use super::command::{Command, CommandError, Phase};
use super::line::{Cut, Lines};
use super::maildrop::Maildrop;
use answer::{ok, refuse};
use transaction::Listing;

/// Lines that are no commands before the client is sent away.
const MOST_ERRORS: u32 = 20;

/// Logins that may fail before the client is sent away.
const MOST_FAILURES: u32 = 3;

/// With so much to say the session wants it said before it reads on (I7).
const ENOUGH_OUTPUT: usize = 64 * 1024;

/// What the listener allows.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// TLS can be started.
    pub tls_available: bool,
    /// TLS is on from the first byte.
    pub tls_on: bool,
    /// Passwords may be said without TLS.
    pub plaintext_auth: bool,
}

/// What the driver is to do next.
#[derive(Debug)]
pub enum Action {
    /// Flush, read more, ask again.
    Read,
    /// Flush, ask again.
    Flush,
    /// Begin this login. Call [`Session::challenge`], or say how it ends: where it holds take the
    /// maildrop and call [`Session::accept`], else [`Session::refuse`] or
    /// [`Session::refuse_after_challenge`]. A login under way before has been given up.
    Login(Initiation),
    /// Go on with the login, as for [`Action::Login`].
    Response(Response),
    /// Flush, drop the input, start TLS, call [`Session::tls_started`].
    StartTls,
    /// Send the message with this UID, from [`super::reply::message_follows`] on.
    Retrieve {
        /// Which message.
        uid: u32,
        /// Its octets.
        size: u64,
    },
    /// Send the message's header and so many lines of its text, from
    /// [`super::reply::top_follows`] on.
    Top {
        /// Which message.
        uid: u32,
        /// How many lines.
        lines: u64,
    },
    /// Delete these messages (there is at least one), then call [`Session::committed`].
    Commit(Vec<u32>),
    /// Flush and close.
    Close,
}

/// Why a login did not lead into a maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Name or password is wrong.
    Wrong,
    /// The token, or the certificate, is not good.
    Failed,
    /// A response does not follow the mechanism's grammar.
    Malformed,
    /// Too many wrong guesses: so many seconds must pass.
    Slow(u32),
    /// Another session holds the maildrop.
    InUse,
    /// Something of ours does not work.
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
        /// How the login is refused whatever the response is.
        refusal: Option<Refusal>,
    },
    /// The driver checks a login or deletes messages.
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

    /// The mechanisms of the connection as it is, for clients that may log in on it.
    pub fn set_mechanisms(&mut self, mechanisms: Mechanisms) {
        self.mechanisms = mechanisms;
    }

    /// The first thing that is said. It names no version, and no timestamp since APOP is not
    /// offered.
    pub fn greet(&self, output: &mut BytesMut) {
        ok("POP3 server ready.", output);
    }

    /// Takes commands from the input until there is something to do.
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

    /// A login under way ends with it.
    fn too_long(&mut self, output: &mut BytesMut) -> Option<Action> {
        if let State::AwaitResponse { .. } = self.state {
            self.state = State::Authorization { user: None };
        }
        self.error("The line is too long.", output)
    }

    fn line(&mut self, line: &[u8], output: &mut BytesMut) -> Option<Action> {
        if let State::AwaitResponse { refusal } = self.state {
            return self.response(line, refusal, output);
        }
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(CommandError::Unknown) => return self.error("Unknown command.", output),
            Err(CommandError::Arguments) => return self.error("Wrong arguments.", output),
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
            Command::User(user) => self.user(user, output),
            Command::Pass(password) => return self.pass(password, output),
            Command::Auth(auth) => return self.auth(auth, output),
            Command::Noop => ok("", output),
            command => return self.in_transaction(&command, output),
        }
        None
    }

    /// QUIT (RFC 1939 §6): what is marked goes now, and only now.
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

    /// The messages of [`Action::Commit`] are deleted, or some are not.
    pub fn committed(&mut self, all: bool, output: &mut BytesMut) {
        if all {
            ok("Goodbye.", output);
        } else {
            refuse("[SYS/TEMP] Some deleted messages were not removed.", output);
        }
        self.state = State::Closed;
    }

    /// Answers a mistake; too many of them end the session (I7).
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
