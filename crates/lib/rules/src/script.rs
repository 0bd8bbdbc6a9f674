//! Policy scripts: sessions and the expected answers of a policy, one statement a line, like Postfix's
//! `smtpd_check`.
//!
//! ```text
//! # Who has a mailbox.
//! users bob@example.test eve@example.test
//!
//! # Where the following sessions come in: name, class, role, local address, the host's default gateways.
//! listener mx auto role=mx local=198.51.100.1 gateway=198.51.100.254
//!
//! # A session begins; all earlier state is dropped.
//! client 203.0.113.9
//! helo mail.x.test
//! tls
//! auth bob@example.test
//! trust -> authenticated
//!
//! # A transaction with expected answers.
//! mail <bob@example.test> size=2000 -> accepted
//! rcpt <bob@example.test> -> accepted 250 (mailbox bob@example.test)
//! rcpt <b@elsewhere.test> -> relay-denied
//! message spf=fail dmarc=fail/quarantine attachment="x.pdf" -> quarantine
//! ```
//!
//! - After `->` follow the name of a verdict, and optionally a reply code and a route in parentheses. A
//!   statement without `->` is played without an expectation.
//! - Addresses are written as clients may write them: `<a..b@x.test>`, `<a@x.test.>`, and `<root>` if
//!   `lenient` accepts a local part alone.
//! - `trust` expects the name of the decision, or `trusted` or `untrusted`; before `mail` it is decided
//!   without a sender.
//! - `rcpt` and `message` after a refused `client` or `mail` get the same verdict. `message` after
//!   recipients that were all refused gets the last one's. A `message` without any `rcpt` is judged by
//!   itself.
//! - Assumptions about the world are part of a statement; a rule whose facts are not given refuses nothing:
//!   - `client`: `early` or `early=greeting`, `early=hello`, `early=no`: when it speaks; `listed=LIST` or
//!     `LIST/ANSWER`, several separated by commas, or `none`; `rate=used-up` or `left`, of connections. It
//!     is `accepted` or refused.
//!   - `mail`: `free="500 MiB"`; `rate=`, of messages; `sender-domain=` usable, null-mx, missing, unusable
//!     or unknown.
//!   - `rcpt`: `visitor=new` or `known`, to greylisting; `rate=`, of recipients.
//!   - `message`, its end: sender authentication, `iprev=`, `helo=` (SPF of it), `spf=`, `dkim=`,
//!     `dmarc=RESULT/REQUEST` and `arc=RESULT:SEALER`, with the results of RFC 8601, and the subject after
//!     `:`; `attachment=NAME` and its `type=TYPE`, or `attachment=none` or `unclear`; `from=` with the
//!     addresses of its authors. It is refused by a verdict's name, or `accepted`, `junk` or `quarantine`;
//!     in parentheses may follow `marked NAME` or `unmarked`, `whole` or `stripped`.
//! - The role of a `listener` is `mx` (other servers) or `submission` (mail programs, with a login). The
//!   default is the role of a known listener of this name ([`Script::knowing`]), otherwise `mx`.
//! - `mail … recipients=99` stands for as many recipients accepted before.
//! - Options after the address of a `client` apply to one session:
//!   - `local=ADDRESS`; by default an internal peer connects to an address of its own network, any other
//!     peer to a public one.
//!   - `interface=CLASS` (internal, external or dmz): the detected class of the interface;
//!     `interface=CLASS,set` if the configuration sets it. By default the addresses decide.
//!   - `proxy=ADDRESS`: the proxy that gave the client's address; equal to the client's address if it gave
//!     none.
//!   - `reverse-name=NAME,NAME`: the client's names in the DNS that resolve to its address; default `none`;
//!     `failed` if the DNS does not answer.
//! - `mail … hold="2 days"` requests that the message be held, `deliver-by="1 h"` that it be returned
//!   unless it is delivered by then, `priority=4` that it go before others.
//! - Numbers may be written as sizes: `size="26 MiB"`.
//! - `#` begins a comment, at the start of a line or of a word.
//!
//! A script is read as a whole: its errors are reported with lines and reasons, and then nothing is played.

mod answer;
mod client;
mod play;
mod read;
mod words;

use std::fmt;

use serde::Serialize;

use crate::explain::assumptions::Assumptions;
use crate::values::address::EmailAddress;
use crate::values::facts::{ListenerRole, SessionFacts};
use crate::values::policy::Policy;
use crate::values::timing::Timing;

pub use answer::{Expected, Found};

/// A parsed script.
#[derive(Debug)]
pub struct Script {
    lines: Vec<Line>,
    users: Option<Vec<EmailAddress>>,
}

/// A line and its statement.
#[derive(Debug)]
struct Line {
    number: usize,
    text: String,
    statement: Statement,
    expected: Option<Expected>,
}

#[derive(Debug)]
enum Statement {
    /// Begins a session with these facts.
    Client {
        facts: Box<SessionFacts>,
        assumptions: Box<Assumptions>,
        /// The script gives the listener's role.
        role_is_told: bool,
    },
    Helo(String),
    Login(String),
    Tls(bool),
    Trust,
    Mail {
        /// As the client writes it.
        sender: String,
        size: Option<u64>,
        timing: Timing,
        taken: usize,
        assumptions: Box<Assumptions>,
    },
    /// As the client writes it.
    Rcpt(String, Box<Assumptions>),
    /// The end of the message.
    Message(Box<Assumptions>),
}

/// The result of one expectation.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// The line of the script.
    pub line: usize,
    /// The text of the statement.
    pub statement: String,
    /// Whether the policy meets the expectation.
    pub met: bool,
    /// What is expected.
    pub expected: Expected,
    /// The policy's answer.
    pub found: Found,
}

/// An error in a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptError {
    /// Line, counted from 1.
    pub line: usize,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for ScriptError {}

impl Script {
    /// Parses a script.
    ///
    /// # Errors
    /// All errors of the script.
    pub fn parse(text: &str) -> Result<Self, Vec<ScriptError>> {
        read::read(text)
    }

    /// Completes the roles of listeners that the script does not give, by the names of known listeners.
    pub fn knowing(mut self, role_of: &dyn Fn(&str) -> Option<ListenerRole>) -> Self {
        for line in &mut self.lines {
            if let Statement::Client {
                facts,
                role_is_told: false,
                ..
            } = &mut line.statement
                && let Some(role) = role_of(&facts.listener)
            {
                facts.role = role;
            }
        }
        self
    }

    /// The users with a mailbox, if the script lists them.
    pub fn users(&self) -> Option<&[EmailAddress]> {
        self.users.as_deref()
    }

    /// The users that the answers of a policy may depend on.
    pub fn users_asked(&self, policy: &Policy) -> Vec<EmailAddress> {
        let mut users: Vec<EmailAddress> = Vec::new();
        for line in &self.lines {
            let Statement::Rcpt(path, _) = &line.statement else {
                continue;
            };
            users.extend(policy.users_asked_for(path));
        }
        users.sort_unstable_by_key(ToString::to_string);
        users.dedup();
        users
    }

    /// Plays the script and returns the result of each expectation, in order.
    pub fn play(&self, policy: &Policy, has_user: &dyn Fn(&EmailAddress) -> bool) -> Vec<Checked> {
        play::play(self, policy, has_user)
    }
}
