//! Events of a session for its driver.

use sasl::{Initiation, Response};

use super::commands::etrn::Node;
use super::commands::mail::Mail;
use super::commands::rcpt::Rcpt;
use super::commands::xclient::Xclient;
use super::content::Fault;
use crate::{Mailbox, Reply};

/// The next task of the driver.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Write the output, then read more.
    NeedInput,
    /// Answer with [`Session::hello`]: HELO or EHLO. A transaction in progress is over.
    Hello,
    /// Write the output, start TLS, call [`Session::secured`]. The input has been emptied, so that text
    /// injected by a man in the middle after STARTTLS does not count as protected.
    StartTls,
    /// Answer: may this proxy give this client? "Accept" restarts the session, with the greeting.
    Xclient(Xclient),
    /// Answer: the first step of this login. Use [`Session::challenge`], or end it: [`Session::accept`],
    /// [`Session::refuse`], [`Session::refuse_after_challenge`], [`Session::refuse_malformed_response`]. An
    /// earlier login in progress was aborted.
    Login(Initiation),
    /// Answer: the next step of the login, as for [`Event::Login`].
    Response(Response),
    /// Answer: may this sender send a message of the declared size?
    Mail(Mail),
    /// Answer: may the message go to this recipient?
    Rcpt(Rcpt),
    /// Answer with [`Session::verified`] if the mailbox exists. `None`: the argument is no address.
    Verify(Option<Mailbox>),
    /// Answer with [`Session::queue_run`]: start delivery of mail for this domain?
    QueueRun(Node),
    /// Answer: may the message be sent now?
    Begin,
    /// The first octets of the input belong to the message: remove them from the input.
    Content(usize),
    /// Answer: the message is complete. "Accept" means that it is durably stored.
    Complete,
    /// The message is refused for its octets; drop the received part. The reply follows at its end, and
    /// then the transaction is over.
    Broken(Fault),
    /// A command was refused for its syntax, verb or order. The reply has been written. For records of
    /// refusals.
    Refused(Misspoken),
    /// The transaction ended without a message: RSET, or the end of a refused message.
    Reset,
    /// Write the output, then close.
    Close(CloseReason),
}

/// A command refused without a question to the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misspoken {
    /// A name for logs and metrics.
    pub name: &'static str,
    /// The start of the line, unless it may contain a secret: of a login only the mechanism, and nothing
    /// of a line without a known command.
    pub said: String,
    /// The reply.
    pub reply: Reply,
    /// The session would take it from a leniently treated peer
    /// ([`Terms::lenient`](super::Terms::lenient)).
    pub leniently: bool,
}

/// Maximum stored octets of a line.
const SAID: usize = 200;

impl Misspoken {
    /// `verb` is empty if the line has no known command.
    pub(super) fn new(verb: &str, line: &str, reply: &Reply) -> Self {
        // A line without a known verb may be the response to a refused AUTH, or a login of another protocol
        // (`PASS secret`).
        let said = match (verb, reply.code) {
            ("AUTH", 504) => with_mechanism(line),
            ("AUTH" | "XCLIENT" | "", _) => verb,
            _ => line,
        };
        Self {
            name: name(verb, reply),
            said: said[..said.floor_char_boundary(SAID)].to_owned(),
            reply: reply.clone(),
            leniently: false,
        }
    }
}

/// AUTH and the mechanism that is not offered.
fn with_mechanism(line: &str) -> &str {
    let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let mechanism = arguments.split(' ').next().unwrap_or_default();
    match sasl::shown_mechanism(mechanism) {
        Some(_) => &line[..verb.len() + 1 + mechanism.len()],
        None => verb,
    }
}

fn name(verb: &str, reply: &Reply) -> &'static str {
    match (reply.code, verb) {
        (503, _) => "command-out-of-place",
        (504, "AUTH") => "mechanism-not-offered",
        (530, _) => "login-required",
        (538, "AUTH") => "login-without-tls",
        (555, _) => "unknown-parameter",
        (_, "EHLO" | "HELO") => "malformed-hello",
        (_, "MAIL") => "malformed-sender",
        (_, "RCPT") => "malformed-recipient",
        (_, "AUTH") => "malformed-login",
        (_, "") => "unknown-command",
        _ => "malformed-command",
    }
}

/// The reason for the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// QUIT.
    Quit,
    /// Too many bad commands, refusals or failed logins.
    TooManyErrors,
    /// Text that no mail client sends: another protocol, or octets that cannot be told from commands.
    ProtocolViolation,
    /// The driver closed it.
    Closed,
}
