//! The state of a client's session.

mod transaction;

use bytes::{BufMut as _, BytesMut};
use thiserror::Error;

use super::login::Dialogue;
use super::replies::ReplyReader;
use super::{Envelope, Extensions, Login};
use crate::Reply;
use transaction::{Step, Transaction};

/// The use of STARTTLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsUse {
    /// Never, even if offered.
    Never,
    /// If offered (RFC 7435); otherwise plain text.
    IfOffered,
    /// Required: otherwise nothing is sent.
    Required,
}

/// Options of a session.
#[derive(Debug, Clone)]
pub struct Options {
    /// Our name in EHLO.
    pub helo: String,
    /// STARTTLS.
    pub tls: TlsUse,
    /// Implicit TLS: STARTTLS is not needed.
    pub tls_active: bool,
    /// The login, if any.
    pub login: Option<Login>,
}

/// The step that a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The connection.
    Greeting,
    /// EHLO or HELO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Login,
    /// None: the problem was found before any command.
    Preflight,
    /// MAIL.
    Mail,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// The content.
    Content,
}

/// The final answer for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answered step.
    pub stage: Stage,
    /// The reply; positive if the server has accepted the message for the recipient.
    pub reply: Reply,
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Flush the output, then read.
    NeedInput,
    /// Do not flush; run the handshake, then call [`Session::tls_started`].
    StartTls,
    /// A transaction may begin.
    Ready,
    /// Supply the content with [`Session::content`], then call [`Session::content_end`].
    SendContent,
    /// The transaction is over, with an answer for each recipient, in order.
    Done(Vec<Answer>),
}

/// The reason why a session cannot continue.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ClientError {
    /// The input is no reply of RFC 5321, or was not requested.
    #[error("the server does not speak SMTP")]
    BadReply,
    /// The server refuses the session.
    #[error("the server refused the session: {reply}")]
    Refused {
        /// The refused step.
        stage: Stage,
        /// The reply.
        reply: Reply,
    },
    /// TLS is required and not available.
    #[error("TLS is required, and the server does not offer it")]
    NoTls,
    /// The server offers no known mechanism.
    #[error("a login is configured, but the server offers no supported mechanism")]
    NoLogin,
    /// The size of the content differs from the announced one.
    #[error("the content has another size than announced")]
    WrongSize,
}

#[derive(Debug)]
enum Phase {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Handshake,
    Login(Dialogue),
    Ready,
    Transaction(Box<Transaction>),
    Over,
}

/// One session with a server; several transactions may follow one another.
#[derive(Debug)]
pub struct Session {
    options: Options,
    phase: Phase,
    replies: ReplyReader,
    extensions: Extensions,
    /// The server still has an unfinished transaction of ours.
    needs_reset: bool,
}

impl Session {
    /// A session on a new connection.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            phase: Phase::Greeting,
            replies: ReplyReader::default(),
            extensions: Extensions::default(),
            needs_reset: false,
        }
    }

    /// The server's extensions; known once the session is ready.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether another transaction may begin.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// The step that waits for an answer, or waited when the session ended. Before a transaction it is
    /// [`Stage::Preflight`].
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.phase {
            Phase::Greeting => Stage::Greeting,
            Phase::Ehlo | Phase::Helo => Stage::Hello,
            Phase::StartTls | Phase::Handshake => Stage::StartTls,
            Phase::Login(_) => Stage::Login,
            Phase::Ready | Phase::Over => Stage::Preflight,
            Phase::Transaction(transaction) => transaction.stage(),
        }
    }

    /// Whether TLS is active.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.options.tls_active
    }

    /// Consumes the server's `input` and returns the next step.
    ///
    /// # Errors
    /// If the session cannot continue. The connection must be closed.
    pub fn advance(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Event, ClientError> {
        loop {
            match &mut self.phase {
                Phase::Ready => return Ok(Event::Ready),
                Phase::Handshake => {
                    // Input from before the handshake may come from a man in the middle.
                    return if input.is_empty() {
                        Ok(Event::StartTls)
                    } else {
                        Err(ClientError::BadReply)
                    };
                }
                Phase::Over => return Err(ClientError::BadReply),
                Phase::Transaction(transaction) => match transaction.step(output) {
                    Step::Content if input.is_empty() => return Ok(Event::SendContent),
                    Step::Done => return Ok(self.done()),
                    Step::Content | Step::Reply => {}
                },
                _ => {}
            }
            let reply = match self.replies.next(input) {
                Ok(Some(reply)) => reply,
                Ok(None) => return Ok(Event::NeedInput),
                Err(_) => return Err(ClientError::BadReply),
            };
            let answers_all = self.unanswered() <= 1;
            self.replied(reply, output)?;
            if answers_all && is_unasked(input) {
                self.out_of_step()?;
            }
        }
    }

    /// The number of commands without a reply; none while the content is sent.
    fn unanswered(&self) -> usize {
        match &self.phase {
            Phase::Transaction(transaction) => transaction.unanswered(),
            _ => 1,
        }
    }

    /// The server has sent more replies than commands. Otherwise its replies would be matched with commands
    /// that it has not read; only completed answers are valid.
    fn out_of_step(&mut self) -> Result<(), ClientError> {
        match &mut self.phase {
            Phase::Transaction(transaction) if transaction.is_over() => {
                transaction.closing = true;
                Ok(())
            }
            _ => Err(ClientError::BadReply),
        }
    }

    /// The handshake has succeeded. Earlier statements of the server are dropped (RFC 3207 §4.2).
    pub fn tls_started(&mut self, output: &mut BytesMut) {
        self.options.tls_active = true;
        self.extensions = Extensions::default();
        self.hello(output);
    }

    /// Starts a transaction. Only when ready.
    pub fn begin(&mut self, envelope: Envelope, output: &mut BytesMut) {
        if !self.is_ready() {
            return;
        }
        let misfit = envelope.misfit(&self.extensions, self.options.tls_active);
        let reset = misfit.is_none() && std::mem::take(&mut self.needs_reset);
        let extensions = self.extensions.clone();
        let mut transaction = Transaction::new(envelope, extensions, reset);
        match misfit {
            Some(reply) => transaction.refuse_all(Stage::Preflight, &reply),
            None => transaction.start(output),
        }
        self.phase = Phase::Transaction(Box::new(transaction));
    }

    /// The next piece of the content, after [`Event::SendContent`].
    ///
    /// # Errors
    /// [`ClientError::WrongSize`]; the connection is to be closed.
    pub fn content(&mut self, piece: &[u8], output: &mut BytesMut) -> Result<(), ClientError> {
        match &mut self.phase {
            Phase::Transaction(transaction) => transaction.content(piece, output),
            _ => Err(ClientError::WrongSize),
        }
    }

    /// Ends the content.
    ///
    /// # Errors
    /// [`ClientError::WrongSize`]; the connection must be closed.
    pub fn content_end(&mut self, output: &mut BytesMut) -> Result<(), ClientError> {
        match &mut self.phase {
            Phase::Transaction(transaction) => transaction.content_end(output),
            _ => Err(ClientError::WrongSize),
        }
    }

    /// The answers known when the session ended early: refused recipients stay refused.
    #[must_use]
    pub fn answers_so_far(&self) -> Vec<Option<Answer>> {
        match &self.phase {
            Phase::Transaction(transaction) => transaction.answers_so_far(),
            _ => Vec::new(),
        }
    }

    /// Sends QUIT; nothing follows.
    pub fn quit(&mut self, output: &mut BytesMut) {
        output.put_slice(b"QUIT\r\n");
        self.phase = Phase::Over;
    }

    fn replied(&mut self, reply: Reply, output: &mut BytesMut) -> Result<(), ClientError> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Greeting if reply.code == 220 => self.hello(output),
            Phase::Greeting => return Err(refused(Stage::Greeting, reply)),
            Phase::Ehlo if reply.is_positive() => {
                self.extensions = Extensions::read(&reply);
                self.greeted(output)?;
            }
            // RFC 5321 §3.2: a server without EHLO.
            Phase::Ehlo if reply.is_permanent() && !self.wants_extensions() => {
                self.say("HELO", output);
                self.phase = Phase::Helo;
            }
            Phase::Helo if reply.is_positive() => self.greeted(output)?,
            Phase::Ehlo | Phase::Helo => return Err(refused(Stage::Hello, reply)),
            Phase::StartTls if reply.code == 220 => self.phase = Phase::Handshake,
            Phase::StartTls if self.options.tls == TlsUse::Required || reply.code == 421 => {
                return Err(refused(Stage::StartTls, reply));
            }
            Phase::StartTls => self.log_in(output)?,
            Phase::Login(dialogue) => self.login_replied(dialogue, reply, output)?,
            Phase::Transaction(mut transaction) => {
                transaction.replied(reply, output);
                self.phase = Phase::Transaction(transaction);
            }
            Phase::Handshake | Phase::Ready | Phase::Over => return Err(ClientError::BadReply),
        }
        Ok(())
    }

    /// Without extensions the session would be useless.
    fn wants_extensions(&self) -> bool {
        let wants_tls = self.options.tls == TlsUse::Required && !self.options.tls_active;
        wants_tls || self.options.login.is_some()
    }

    fn say(&self, verb: &str, output: &mut BytesMut) {
        output.put_slice(verb.as_bytes());
        output.put_u8(b' ');
        output.put_slice(self.options.helo.as_bytes());
        output.put_slice(b"\r\n");
    }

    fn hello(&mut self, output: &mut BytesMut) {
        self.say("EHLO", output);
        self.phase = Phase::Ehlo;
    }

    /// Handles the server's list of extensions.
    fn greeted(&mut self, output: &mut BytesMut) -> Result<(), ClientError> {
        if !self.options.tls_active && self.options.tls != TlsUse::Never {
            if self.extensions.start_tls {
                output.put_slice(b"STARTTLS\r\n");
                self.phase = Phase::StartTls;
                return Ok(());
            }
            if self.options.tls == TlsUse::Required {
                return Err(ClientError::NoTls);
            }
        }
        self.log_in(output)
    }

    fn log_in(&mut self, output: &mut BytesMut) -> Result<(), ClientError> {
        let Some(login) = &self.options.login else {
            self.phase = Phase::Ready;
            return Ok(());
        };
        let dialogue = Dialogue::new(&self.extensions).ok_or(ClientError::NoLogin)?;
        output.put_slice(dialogue.command(login).as_bytes());
        self.phase = Phase::Login(dialogue);
        Ok(())
    }

    fn login_replied(
        &mut self,
        mut dialogue: Dialogue,
        reply: Reply,
        output: &mut BytesMut,
    ) -> Result<(), ClientError> {
        if reply.is_positive() {
            self.phase = Phase::Ready;
            return Ok(());
        }
        let login = self.options.login.as_ref();
        match login.and_then(|login| dialogue.answer(&reply, login)) {
            Some(line) => {
                output.put_slice(line.as_bytes());
                self.phase = Phase::Login(dialogue);
                Ok(())
            }
            None => Err(refused(Stage::Login, reply)),
        }
    }

    fn done(&mut self) -> Event {
        let Phase::Transaction(transaction) = std::mem::replace(&mut self.phase, Phase::Ready)
        else {
            return Event::Ready;
        };
        if transaction.closing {
            self.phase = Phase::Over;
        }
        self.needs_reset |= transaction.needs_reset;
        Event::Done(transaction.answers())
    }
}

/// Whether there is input after the reply to the last command. 421 may come at any time (RFC 5321 §3.8),
/// and counts as the reply to the next step.
fn is_unasked(input: &[u8]) -> bool {
    !input.is_empty() && !input.starts_with(b"421")
}

fn refused(stage: Stage, reply: Reply) -> ClientError {
    ClientError::Refused { stage, reply }
}
