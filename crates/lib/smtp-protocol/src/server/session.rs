//! The state of a session and its two entrances: octets ([`Session::next`]) and the driver's
//! answers ([`Session::accept`], [`Session::refuse`], …).

use bytes::{Buf, BytesMut};

use super::auth::{Credentials, Exchange, Step};
use super::commands::hello::greet;
use super::commands::mail::Mail;
use super::commands::rcpt::Rcpt;
use super::content::{DotStuffed, Fault, Piece, TextLines};
use super::line::{Line, Lines};
use super::table::{AUTH_LINE_LIMIT, Entry, LINE_LIMIT, Phase};
use crate::Reply;

/// Limits that hold for every peer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands that are none, or badly written, or out of place, before the session is closed.
    pub bad_commands: u32,
    /// Refusals by rules (5xx) before the session is closed.
    pub refusals: u32,
    /// Failed logins before the session is closed.
    pub failed_logins: u32,
    /// Octets of a line of text. RFC 5321 §4.5.3.1.6 asks for 998, real mail has longer ones.
    pub text_line: usize,
    /// Octets of a refused message that are read on to its end before the connection is closed.
    pub refused_octets: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bad_commands: 10,
            refusals: 100,
            failed_logins: 3,
            text_line: 1024 * 1024,
            refused_octets: 256 * 1024 * 1024,
        }
    }
}

/// What this peer is offered; the driver sets it anew when trust or protection changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// STARTTLS is possible and not yet done.
    pub starttls: bool,
    /// AUTH is possible on the connection as it is.
    pub auth: bool,
    /// MAIL only behind AUTH (RFC 6409 §4.3).
    pub auth_required: bool,
    /// Octets of a message: announced, and enforced while it comes; 0 is no limit.
    pub size: u64,
}

/// How the peer has introduced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The name given.
    pub name: String,
    /// By EHLO.
    pub extended: bool,
}

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
    /// Answer: does this login hold?
    Authenticate(Credentials),
    /// Answer: may this sender send a message of the size it declares?
    Mail(Mail),
    /// Answer: may it send to this recipient, and to one more?
    Rcpt(Rcpt),
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

/// What the driver has been asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Hello,
    StartTls,
    Credentials,
    Sender,
    Recipient,
    Data,
    Chunk,
    Message,
}

#[derive(Debug)]
enum Mode {
    Command,
    Authentication(Exchange),
    Asked(Question),
    Data(DotStuffed),
    Chunk,
    Closed(CloseReason),
}

/// A message's octets by BDAT.
#[derive(Debug)]
struct Chunk {
    left: u64,
    last: bool,
    size: u64,
}

#[derive(Debug, Default)]
struct Transaction {
    open: bool,
    smtputf8: bool,
    recipients: usize,
    chunks: Option<TextLines>,
    received: u64,
    /// How the message is refused at its end.
    refusal: Option<Reply>,
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Session {
    pub(super) hostname: String,
    pub(super) terms: Terms,
    limits: Limits,
    hello: Option<Hello>,
    authenticated: bool,
    transaction: Transaction,
    lines: Lines,
    mode: Mode,
    chunk: Chunk,
    bad_commands: u32,
    refusals: u32,
    failed_logins: u32,
}

const TOO_MANY: Reply = Reply::new(421, 7, 0, "Too many errors, closing connection");

impl Session {
    /// A session of the server `hostname`.
    pub fn new(hostname: impl Into<String>, limits: Limits, terms: Terms) -> Self {
        Self {
            hostname: hostname.into(),
            terms,
            limits,
            hello: None,
            authenticated: false,
            transaction: Transaction::default(),
            lines: Lines::default(),
            mode: Mode::Command,
            chunk: Chunk {
                left: 0,
                last: false,
                size: 0,
            },
            bad_commands: 0,
            refusals: 0,
            failed_logins: 0,
        }
    }

    /// Writes the greeting (RFC 5321 §4.2: it begins with the server's name).
    pub fn greet(&mut self, output: &mut BytesMut) {
        let text = format!("{} ESMTP Postern", self.hostname);
        Reply::plain(220, "").with_text(text).write(output);
    }

    /// How the peer has introduced itself.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Whether a login has succeeded.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether a message is on its way in: a drain waits for its end.
    pub fn is_receiving(&self) -> bool {
        matches!(
            self.mode,
            Mode::Data(_)
                | Mode::Chunk
                | Mode::Asked(Question::Data | Question::Chunk | Question::Message)
        ) || self.phase() == Phase::Chunks
    }

    /// What the peer is offered from now on.
    pub fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
    }

    /// Goes on with what there is in `input`, takes off it what it has used, writes replies.
    pub fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Event {
        loop {
            let event = match &self.mode {
                Mode::Closed(reason) => Some(Event::Close(*reason)),
                // The driver did not answer: nothing may go on as if it had.
                Mode::Asked(_) => {
                    self.close(&Reply::new(421, 3, 0, "Try again later"), output);
                    None
                }
                Mode::Data(_) if input.is_empty() => return Event::NeedInput,
                Mode::Data(_) => self.data(input, output),
                Mode::Chunk => match self.chunk(input, output) {
                    Some(event) => Some(event),
                    None if self.needs_chunk_input() && input.is_empty() => {
                        return Event::NeedInput;
                    }
                    None => None,
                },
                Mode::Command | Mode::Authentication(_) => {
                    let authentication = matches!(self.mode, Mode::Authentication(_));
                    match self
                        .lines
                        .next(input, |line| line_limit(line, authentication))
                    {
                        Line::NeedInput => return Event::NeedInput,
                        Line::Complete(length) => {
                            let event = self.line(&input[..length - 2], output);
                            input.advance(length);
                            event
                        }
                        Line::BareLineFeed(length) => {
                            input.advance(length);
                            self.bad_line("Lines end with CRLF", output)
                        }
                        Line::TooLong => self.bad_line("Line too long", output),
                    }
                }
            };
            if matches!(event, Some(Event::StartTls)) {
                input.clear();
            }
            if let Some(event) = event {
                return event;
            }
        }
    }

    fn needs_chunk_input(&self) -> bool {
        matches!(self.mode, Mode::Chunk) && self.chunk.left != 0
    }

    fn bad_line(&mut self, text: &'static str, output: &mut BytesMut) -> Option<Event> {
        self.mode = Mode::Command;
        self.reject(&Reply::new(500, 5, 2, text), output);
        None
    }

    /// One line, without its CRLF.
    fn line(&mut self, line: &[u8], output: &mut BytesMut) -> Option<Event> {
        let result = match std::str::from_utf8(line) {
            Ok(text) if text.contains(['\0', '\r']) => {
                Err(Reply::new(500, 5, 2, "Line holds NUL or CR"))
            }
            Ok(text) => match std::mem::replace(&mut self.mode, Mode::Command) {
                Mode::Authentication(exchange) => self.authenticate(exchange, text, output),
                _ => self.command(text, output),
            },
            Err(_) => Err(Reply::new(500, 5, 2, "Line is not UTF-8")),
        };
        match result {
            Ok(event) => event,
            Err(reply) => {
                // An AUTH exchange ends with a malformed response.
                if matches!(self.mode, Mode::Authentication(_)) {
                    self.mode = Mode::Command;
                }
                self.reject(&reply, output);
                None
            }
        }
    }

    fn command(&mut self, line: &str, output: &mut BytesMut) -> Result<Option<Event>, Reply> {
        let Some(entry) = Entry::find(line.as_bytes()) else {
            if is_other_protocol(line) {
                self.mode = Mode::Closed(CloseReason::ProtocolViolation);
                Reply::new(421, 7, 0, "This is an SMTP server").write(output);
                return Ok(None);
            }
            return Err(Reply::new(500, 5, 1, "Unknown command"));
        };
        let arguments = &line[entry.verb.len()..];
        if !arguments.is_empty() && !arguments.starts_with(' ') {
            return Err(Reply::new(500, 5, 2, "Unknown command"));
        }
        entry.execute(self, arguments.trim_end_matches(' '), output)
    }

    /// Refuses a command for itself: it is counted.
    fn reject(&mut self, reply: &Reply, output: &mut BytesMut) {
        reply.write(output);
        if reply.is_permanent() {
            self.bad_commands += 1;
        }
        self.close_after_too_many(output);
    }

    fn close_after_too_many(&mut self, output: &mut BytesMut) {
        let too_many = self.bad_commands >= self.limits.bad_commands
            || self.refusals >= self.limits.refusals
            || self.failed_logins >= self.limits.failed_logins;
        if too_many {
            TOO_MANY.write(output);
            self.mode = Mode::Closed(CloseReason::TooManyErrors);
        }
    }
}

/// Where a session stands, for the commands.
impl Session {
    pub(super) fn phase(&self) -> Phase {
        match (&self.hello, &self.transaction) {
            (None, _) => Phase::Start,
            (_, Transaction { open: false, .. }) => Phase::Ready,
            (
                _,
                Transaction {
                    chunks: Some(_), ..
                },
            ) => Phase::Chunks,
            (_, Transaction { recipients: 0, .. }) => Phase::Mail,
            _ => Phase::Recipients,
        }
    }

    /// Whether addresses of this transaction may hold UTF-8.
    pub(super) fn is_smtputf8(&self) -> bool {
        self.transaction.smtputf8
    }

    pub(super) fn ask_hello(&mut self, hello: Hello) -> Event {
        self.transaction = Transaction::default();
        self.hello = Some(hello);
        self.ask(Question::Hello, Event::Hello)
    }

    pub(super) fn ask_starttls(&mut self) -> Event {
        self.ask(Question::StartTls, Event::StartTls)
    }

    pub(super) fn ask_sender(&mut self, mail: Mail) -> Event {
        self.transaction = Transaction {
            smtputf8: mail.smtputf8,
            ..Transaction::default()
        };
        self.ask(Question::Sender, Event::Mail(mail))
    }

    pub(super) fn ask_recipient(&mut self, rcpt: Rcpt) -> Event {
        self.ask(Question::Recipient, Event::Rcpt(rcpt))
    }

    pub(super) fn ask_data(&mut self) -> Event {
        self.ask(Question::Data, Event::Begin)
    }

    fn ask(&mut self, question: Question, event: Event) -> Event {
        self.mode = Mode::Asked(question);
        event
    }

    /// Ends the transaction; true when there was one.
    pub(super) fn reset(&mut self) -> bool {
        std::mem::take(&mut self.transaction).open
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
        self.mode = Mode::Closed(reason);
    }
}

/// AUTH.
impl Session {
    /// Takes a client's response, the one that came with AUTH or one on a line of its own.
    pub(super) fn authenticate(
        &mut self,
        exchange: Exchange,
        response: &str,
        output: &mut BytesMut,
    ) -> Result<Option<Event>, Reply> {
        match exchange.respond(response)? {
            Step::Challenge(exchange) => {
                self.challenge(exchange, output);
                Ok(None)
            }
            Step::Done(credentials) => Ok(Some(
                self.ask(Question::Credentials, Event::Authenticate(credentials)),
            )),
        }
    }

    pub(super) fn challenge(&mut self, exchange: Exchange, output: &mut BytesMut) {
        exchange.challenge().write(output);
        self.mode = Mode::Authentication(exchange);
    }
}

/// The message's octets.
impl Session {
    fn data(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Option<Event> {
        let Mode::Data(framing) = &mut self.mode else {
            return None;
        };
        let piece = framing.next(input);
        let fault = framing.lines.fault();
        match piece {
            Piece::Framing(octets) => {
                input.advance(octets);
                self.note(fault)
            }
            Piece::End(octets) => {
                input.advance(octets);
                Some(self.complete(fault, output)?)
            }
            Piece::Content(octets) => self.content(octets, fault, input, output),
        }
    }

    /// Begins a chunk of so many octets; `refused` when they are only to be skipped.
    pub(super) fn begin_chunk(
        &mut self,
        size: u64,
        last: bool,
        refused: Option<Reply>,
    ) -> Option<Event> {
        self.chunk = Chunk {
            left: size,
            last,
            size,
        };
        if let Some(reply) = refused {
            self.transaction.refusal = Some(reply);
            self.transaction.received = 0;
            self.mode = Mode::Chunk;
            return None;
        }
        if self.phase() == Phase::Recipients {
            return Some(self.ask(Question::Chunk, Event::Begin));
        }
        self.mode = Mode::Chunk;
        None
    }

    fn chunk(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Option<Event> {
        if self.chunk.left == 0 {
            return self.end_of_chunk(output);
        }
        let here =
            usize::try_from(self.chunk.left).map_or(input.len(), |left| left.min(input.len()));
        if here == 0 {
            return None;
        }
        self.chunk.left -= here as u64;
        let fault = self.transaction.chunks.as_mut().and_then(|lines| {
            lines.check(&input[..here]);
            lines.fault()
        });
        self.content(here, fault, input, output)
    }

    fn end_of_chunk(&mut self, output: &mut BytesMut) -> Option<Event> {
        self.mode = Mode::Command;
        if let Some(reply) = self.transaction.refusal.take() {
            // The whole message is refused with the chunk (RFC 3030 §2).
            let open = self.reset();
            self.refused(&reply, output);
            return open.then_some(Event::Reset);
        }
        if self.chunk.last {
            let fault = self.transaction.chunks.as_mut().and_then(|lines| {
                lines.finish();
                lines.fault()
            });
            return self.complete(fault, output);
        }
        let text = format!("{} octets received", self.chunk.size);
        Reply::new(250, 0, 0, "").with_text(text).write(output);
        None
    }

    /// Octets of the message at the front of the input: to the driver, or nowhere when the
    /// message is refused already.
    fn content(
        &mut self,
        octets: usize,
        fault: Option<Fault>,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Option<Event> {
        self.transaction.received += octets as u64;
        let too_large = self.terms.size != 0 && self.transaction.received > self.terms.size;
        let fault = fault.or(too_large.then_some(Fault::TooLarge));
        let event = self.note(fault);
        if self.transaction.refusal.is_none() {
            return Some(Event::Content(octets));
        }
        input.advance(octets);
        if self.transaction.received > self.terms.size.saturating_add(self.limits.refused_octets) {
            let reply = self.transaction.refusal.take()?;
            self.close(&reply, output);
        }
        event
    }

    /// Remembers the first fault; the driver is told once.
    fn note(&mut self, fault: Option<Fault>) -> Option<Event> {
        let fault = fault?;
        if self.transaction.refusal.is_some() {
            return None;
        }
        self.transaction.refusal = Some(fault.reply());
        Some(Event::Broken(fault))
    }

    fn complete(&mut self, fault: Option<Fault>, output: &mut BytesMut) -> Option<Event> {
        let event = self.note(fault);
        let Some(reply) = self.transaction.refusal.take() else {
            return Some(self.ask(Question::Message, Event::Complete));
        };
        self.mode = Mode::Command;
        self.reset();
        self.refused(&reply, output);
        event.or(Some(Event::Reset))
    }
}

/// The driver's answers.
impl Session {
    /// Answers the question of the last event with yes.
    pub fn accept(&mut self, output: &mut BytesMut) {
        let Mode::Asked(question) = self.mode else {
            return;
        };
        self.mode = Mode::Command;
        match question {
            Question::Hello => greet(self, output),
            Question::Credentials => {
                self.authenticated = true;
                Reply::new(235, 7, 0, "Authentication succeeded").write(output);
            }
            Question::Sender => {
                self.transaction.open = true;
                Reply::new(250, 1, 0, "Sender ok").write(output);
            }
            Question::Recipient => {
                self.transaction.recipients += 1;
                Reply::new(250, 1, 5, "Recipient ok").write(output);
            }
            Question::Data => {
                self.mode = Mode::Data(DotStuffed::new(TextLines::new(self.limits.text_line)));
                Reply::plain(354, "End with <CRLF>.<CRLF>").write(output);
            }
            Question::Chunk => {
                self.transaction.chunks = Some(TextLines::new(self.limits.text_line));
                self.mode = Mode::Chunk;
            }
            Question::Message => {
                self.reset();
                Reply::new(250, 0, 0, "Message accepted").write(output);
            }
            // Answered by `secured`.
            Question::StartTls => self.mode = Mode::Asked(Question::StartTls),
        }
    }

    /// Answers [`Event::Complete`] with yes and the id under which the message is known.
    pub fn accept_message(&mut self, id: &str, output: &mut BytesMut) {
        if matches!(self.mode, Mode::Asked(Question::Message)) {
            self.mode = Mode::Command;
            self.reset();
            let text = format!("Message accepted as {id}");
            Reply::new(250, 0, 0, "").with_text(text).write(output);
        }
    }

    /// Answers the question of the last event with no. Refusals (5xx) are counted.
    pub fn refuse(&mut self, reply: Reply, output: &mut BytesMut) {
        let Mode::Asked(question) = self.mode else {
            return;
        };
        self.mode = Mode::Command;
        match question {
            Question::Hello => self.hello = None,
            Question::Credentials if reply.is_permanent() => self.failed_logins += 1,
            Question::Sender | Question::Data | Question::Message => {
                self.reset();
            }
            Question::Chunk => {
                self.transaction.refusal = Some(reply);
                self.mode = Mode::Chunk;
                return;
            }
            Question::Credentials | Question::Recipient | Question::StartTls => {}
        }
        self.refused(&reply, output);
    }

    /// Refuses the message that is coming in; the reply is given at its end.
    pub fn refuse_message(&mut self, reply: Reply) {
        if matches!(self.mode, Mode::Data(_) | Mode::Chunk) || self.phase() == Phase::Chunks {
            self.transaction.refusal.get_or_insert(reply);
        }
    }

    /// TLS has been made: what the peer said before is forgotten (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        self.hello = None;
        self.authenticated = false;
        self.transaction = Transaction::default();
        self.lines = Lines::default();
        self.mode = Mode::Command;
    }

    /// Ends the session with a reply, whatever it is at.
    pub fn close(&mut self, reply: &Reply, output: &mut BytesMut) {
        reply.write(output);
        self.transaction = Transaction::default();
        self.mode = Mode::Closed(CloseReason::Closed);
    }

    fn refused(&mut self, reply: &Reply, output: &mut BytesMut) {
        reply.write(output);
        if reply.is_permanent() {
            self.refusals += 1;
        }
        if reply.code == 421 {
            self.mode = Mode::Closed(CloseReason::Closed);
            return;
        }
        self.close_after_too_many(output);
    }
}

/// How long the line that begins so may be.
fn line_limit(line: &[u8], authentication: bool) -> usize {
    if authentication {
        return AUTH_LINE_LIMIT;
    }
    Entry::find(line).map_or(LINE_LIMIT, |entry| entry.line_limit)
}

/// A browser that was led to this port says one of these first.
fn is_other_protocol(line: &str) -> bool {
    let verb = line.split(' ').next().unwrap_or_default();
    ["GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS"].contains(&verb)
}
