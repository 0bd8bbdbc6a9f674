//! What a session tells its driver.

use sasl::{Initiation, Response};

use super::commands::etrn::Node;
use super::commands::mail::Mail;
use super::commands::rcpt::Rcpt;
use super::commands::xclient::Xclient;
use super::content::Fault;
use crate::{Mailbox, Reply};

/// What the driver is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Write the output, then read more.
    NeedInput,
    /// Answer: HELO or EHLO ([`Session::hello`]). A transaction under way is over.
    Hello,
    /// Write the output, make TLS, call [`Session::secured`]. The input has been emptied: what a
    /// man in the middle put behind STARTTLS is not read as if it had come protected.
    StartTls,
    /// Answer: may this proxy say so? "Accept" begins the session anew, with the greeting.
    Xclient(Xclient),
    /// Answer: how does this login begin? By [`Session::challenge`], or by how it ends:
    /// [`Session::accept`], [`Session::refuse`], [`Session::refuse_after_challenge`],
    /// [`Session::refuse_malformed_response`]. A login under way before has been given up.
    Login(Initiation),
    /// Answer: how does the login go on? As for [`Event::Login`].
    Response(Response),
    /// Answer: may this sender send a message of the size it declares?
    Mail(Mail),
    /// Answer: may it send to this recipient, and to one more?
    Rcpt(Rcpt),
    /// Answer: is there such a mailbox ([`Session::verified`])? `None`: what was said is no address.
    Verify(Option<Mailbox>),
    /// Answer: is mail that waits for these to be tried now ([`Session::queue_run`])?
    QueueRun(Node),
    /// Answer: may the message come now?
    Begin,
    /// The first so many octets of the input are the message's next: take them off the input.
    Content(usize),
    /// Answer: the message is complete. "Accept" means that it is durable.
    Complete,
    /// The message is refused for its octets; what was taken of it is to be dropped. The reply
    /// follows at its end, and then the transaction is over.
    Broken(Fault),
    /// A command was refused for itself: it is badly written, unknown or out of place. The reply has
    /// been written. This is for who wants to know later what was refused.
    Refused(Misspoken),
    /// The transaction is over without a message: RSET, or the end of one that was refused.
    Reset,
    /// Write the output, then close.
    Close(CloseReason),
}

/// A command that was refused before the driver was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misspoken {
    /// A name for logs and metrics.
    pub name: &'static str,
    /// The start of what was said, where it can be no secret: nothing of a login, and nothing of
    /// a line that is no command.
    pub said: String,
    /// What was answered.
    pub reply: Reply,
}

/// Octets of a line that are kept of it.
const SAID: usize = 200;

impl Misspoken {
    /// `verb` is empty where the line is no command.
    pub(super) fn new(verb: &str, line: &str, reply: &Reply) -> Self {
        // A line without a verb of ours may be the answer to an AUTH that was refused, or a login of
        // another protocol (`PASS secret`).
        let is_secret = matches!(verb, "AUTH" | "XCLIENT" | "");
        let said = if is_secret { verb } else { line };
        Self {
            name: name(verb, reply),
            said: said[..said.floor_char_boundary(SAID)].to_owned(),
            reply: reply.clone(),
        }
    }
}

fn name(verb: &str, reply: &Reply) -> &'static str {
    match (reply.code, verb) {
        (503, _) => "command-out-of-place",
        (530, _) => "login-required",
        (555, _) => "unknown-parameter",
        (_, "EHLO" | "HELO") => "malformed-hello",
        (_, "MAIL") => "malformed-sender",
        (_, "RCPT") => "malformed-recipient",
        (_, "AUTH") => "malformed-login",
        (_, "") => "unknown-command",
        _ => "malformed-command",
    }
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// QUIT.
    Quit,
    /// Too many bad commands, refusals or failed logins.
    TooManyErrors,
    /// Something that no mail client says: another protocol, or octets that cannot be told apart
    /// from commands.
    ProtocolViolation,
    /// The driver closed it.
    Closed,
}
