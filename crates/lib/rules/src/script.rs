//! Policy scripts: sessions and what is expected of a policy, one statement a line, in the manner
//! of Postfix's `smtpd_check`.
//!
//! ```text
//! # Who has a mailbox.
//! users bob@example.test eve@example.test
//!
//! # Where sessions come in from here on: name, class, role, local address, the host's default gateways.
//! listener mx auto role=mx local=198.51.100.1 gateway=198.51.100.254
//!
//! # A session begins; nothing is left of the one before.
//! client 203.0.113.9
//! helo mail.x.test
//! tls
//! auth bob@example.test
//! trust -> authenticated
//!
//! # A transaction, and what is expected.
//! mail <bob@example.test> size=2000 -> accepted
//! rcpt <bob@example.test> -> accepted 250 (mailbox bob@example.test)
//! rcpt <b@elsewhere.test> -> relay-denied
//! message spf=fail dmarc=fail/quarantine attachment="x.pdf" -> quarantine
//! ```
//!
//! - Behind `->` stands the name of a verdict; a reply code and a route in parentheses may follow.
//!   A statement without `->` is played and expects nothing.
//! - Addresses are what clients may write: `<a..b@x.test>`, `<a@x.test.>`, and `<root>` where `lenient`
//!   takes a local part alone.
//! - `trust` is asked for the name of the decision, or for `trusted` or `untrusted`; before `mail`
//!   without a sender.
//! - `rcpt` and `message` behind a `client` or `mail` that was refused get the same verdict; so does
//!   `message` behind recipients of whom none was accepted, with the last one's. A `message` without
//!   any `rcpt` is judged for itself.
//! - What a statement is told of the world around it is evaluated; a rule that needs what it is not
//!   told refuses nothing:
//!   - `client`: `early` or `early=greeting`, `early=hello`, `early=no`: when it speaks;
//!     `listed=LIST` or `LIST/ANSWER`, several with commas, or `none`; `rate=used-up` or `left`, of
//!     connections. It is `accepted`, or sent away.
//!   - `mail`: `free="500 MiB"`; `rate=`, of messages; `sender-domain=` usable, null-mx, missing,
//!     unusable or unknown.
//!   - `rcpt`: `visitor=new` or `known`, to greylisting; `rate=`, of recipients.
//!   - `message`, its end: what vouches for its sender, `iprev=`, `helo=` (SPF of it), `spf=`,
//!     `dkim=`, `dmarc=RESULT/REQUEST` and `arc=RESULT:SEALER`, in the words of RFC 8601, behind `:`
//!     of whom; `attachment=NAME` and `type=TYPE` of it, or `attachment=none` or `unclear`; `from=`
//!     with the addresses of its authors. It is refused by a verdict's name, or `accepted`, `junk`
//!     or `quarantine`; in parentheses may follow `marked NAME` or `unmarked`, `whole` or `stripped`.
//! - The role of a `listener` is `mx` (other servers) or `submission` (people's programs, behind a
//!   login); where the script does not say, that of a listener of this name, where one is known
//!   ([`Script::knowing`]), else `mx`.
//! - `mail … recipients=99` stands for as many recipients that were accepted before.
//! - What stands behind the address of a `client` is for one session:
//!   - `local=ADDRESS`; where no local address is given, an internal peer came to one of its own
//!     network, and all others to a public one.
//!   - `interface=CLASS` (internal, external or dmz): the class of the interface that it came in on,
//!     as it is found; `interface=CLASS,set` when the configuration sets it. Found by the addresses
//!     alone unless given.
//!   - `proxy=ADDRESS`: the proxy that told the client's address; the same one if it told none.
//!   - `reverse-name=NAME,NAME`: the client's names in the DNS that lead back to its address; `none` unless
//!     given, `failed` when the DNS does not answer.
//! - `mail … hold="2 days"` asks for the message to be held, `deliver-by="1 h"` for it to be returned
//!   unless it is delivered by then, `priority=4` for it to go before others.
//! - Numbers may be written as sizes: `size="26 MiB"`.
//! - `#` begins a comment, at the start of a line or of a word.
//!
//! A script is read as a whole: what is wrong with it is told with lines and reasons, and then
//! nothing is played.

mod answer;
mod client;
mod play;
mod read;
mod words;

use std::fmt;

use serde::Serialize;

use crate::explain::circumstances::Circumstances;
use crate::values::address::EmailAddress;
use crate::values::facts::{ListenerRole, SessionFacts};
use crate::values::policy::Policy;
use crate::values::timing::Timing;

pub use answer::{Expected, Found};

/// A script that can be played.
#[derive(Debug)]
pub struct Script {
    lines: Vec<Line>,
    users: Option<Vec<EmailAddress>>,
}

/// A line with what stands in it.
#[derive(Debug)]
struct Line {
    number: usize,
    text: String,
    statement: Statement,
    expected: Option<Expected>,
}

#[derive(Debug)]
enum Statement {
    /// A session begins, with these facts.
    Client {
        facts: Box<SessionFacts>,
        circumstances: Box<Circumstances>,
        /// The script says for whom the listener is.
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
        circumstances: Box<Circumstances>,
    },
    /// As the client writes it.
    Rcpt(String, Box<Circumstances>),
    /// Its end.
    Message(Box<Circumstances>),
}

/// What came of one expectation.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// The line of the script.
    pub line: usize,
    /// What stands there.
    pub statement: String,
    /// Whether the policy does what is expected.
    pub met: bool,
    /// What is expected.
    pub expected: Expected,
    /// What the policy does.
    pub found: Found,
}

/// What is wrong with a script.
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
    /// Reads a script.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<ScriptError>> {
        read::read(text)
    }

    /// Takes the roles of listeners that the script does not tell from what is known of them by
    /// name.
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

    /// Who has a mailbox, if the script says.
    pub fn users(&self) -> Option<&[EmailAddress]> {
        self.users.as_deref()
    }

    /// The users on whom the answers of a policy may depend.
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

    /// Plays it: what came of each expectation, in order.
    pub fn play(&self, policy: &Policy, has_user: &dyn Fn(&EmailAddress) -> bool) -> Vec<Checked> {
        play::play(self, policy, has_user)
    }
}
