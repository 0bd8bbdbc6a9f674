//! What a session tells its driver.

use sasl::{BearerToken, CramProof, Credentials, ScramLogin, ScramProof};

use super::commands::etrn::Node;
use super::commands::mail::Mail;
use super::commands::rcpt::Rcpt;
use super::commands::xclient::Xclient;
use super::content::Fault;
use crate::Mailbox;

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
    /// Answer: does this login hold?
    Authenticate(Credentials),
    /// Answer: may the one whom the client's certificate names log in as this one (empty: as
    /// themselves)?
    External(String),
    /// Answer: does this token hold? No is [`Session::refuse_token`].
    Token(BearerToken),
    /// Answer: something that nobody can guess ([`Session::cram_nonce`]).
    CramNonce,
    /// Answer: does this digest hold?
    CramProof(CramProof),
    /// Answer: by which salt and count ([`Session::scram_parameters`])? Whether there is such a
    /// login is not told.
    ScramParameters(ScramLogin),
    /// Answer: does this proof hold ([`Session::scram_proved`])?
    ScramProof(ScramProof),
    /// The login whose proof held is complete.
    LoggedIn,
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
    /// The transaction is over without a message: RSET, or the end of one that was refused.
    Reset,
    /// Write the output, then close.
    Close(CloseReason),
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
