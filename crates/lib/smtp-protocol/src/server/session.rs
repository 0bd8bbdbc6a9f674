//! The state of a session and its two inputs: octets ([`Session::next`]) and the driver's answers
//! ([`Session::accept`], [`Session::refuse`], …).

mod answers;
mod commands;
mod leniency;
mod message;
mod state;

use bytes::{Buf as _, BytesMut};

use super::content::{DotStuffed, LineFeeds, TextLines};
use super::event::{CloseReason, Event, Misspoken};
use super::line::{Line, Lines};
use super::phase::Phase;
use super::table::{AUTH_LINE_LIMIT, Entry, LINE_LIMIT};
use super::terms::{Hello, Limits, Terms};
use crate::Reply;

/// The open question to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Hello,
    StartTls,
    Xclient { logged_in: bool },
    Login,
    Sender,
    Recipient,
    Verification,
    QueueRun,
    Data,
    Chunk,
    Message,
}

#[derive(Debug)]
enum Mode {
    Command,
    Authentication,
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
    /// Its content is not lines of text: the driver checks the octets (RFC 3030 §3).
    binary: bool,
    recipients: usize,
    chunks: Option<TextLines>,
    received: u64,
    /// The refusal to send at the message's end.
    refusal: Option<Reply>,
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Session {
    hostname: String,
    terms: Terms,
    limits: Limits,
    hello: Option<Hello>,
    authenticated: bool,
    /// The refusal of a login after its last challenge (RFC 7628 §3.2.2).
    last_refusal: Option<Reply>,
    transaction: Transaction,
    lines: Lines,
    mode: Mode,
    chunk: Chunk,
    bad_commands: u32,
    refusals: u32,
    idle_commands: u32,
    lines_read: u64,
    /// A line has ended with CRLF, so the peer knows CRLF.
    knows_crlf: bool,
    failed_logins: u32,
}

const TOO_MANY: Reply = Reply::new(421, 7, 0, "Too many errors, closing connection");
const BARE_LINE_FEED: Reply = Reply::new(500, 5, 2, "Lines end with CRLF");
const LINE_TOO_LONG: Reply = Reply::new(500, 5, 2, "Line too long");
/// RFC 4954 §6.
const RESPONSE_TOO_LONG: Reply = Reply::new(500, 5, 6, "Authentication exchange line is too long");

impl Session {
    /// A session of the server `hostname`.
    pub fn new(hostname: impl Into<String>, limits: Limits, terms: Terms) -> Self {
        Self {
            hostname: hostname.into(),
            terms,
            limits,
            hello: None,
            authenticated: false,
            last_refusal: None,
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
            idle_commands: 0,
            lines_read: 0,
            knows_crlf: false,
            failed_logins: 0,
        }
    }

    /// Writes the greeting (RFC 5321 §4.2: it begins with the server's name).
    pub fn greet(&mut self, output: &mut BytesMut) {
        let text = format!("{} ESMTP Postern", self.hostname);
        Reply::plain(220, "").with_text(text).write(output);
    }

    /// The peer's HELO or EHLO.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Whether a login has succeeded.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether a message is being received: a drain waits for its end.
    pub fn is_receiving(&self) -> bool {
        matches!(
            self.mode,
            Mode::Data(_)
                | Mode::Chunk
                | Mode::Asked(Question::Data | Question::Chunk | Question::Message)
        ) || self.phase() == Phase::Chunks
    }

    /// The number of complete lines so far. While it does not change, the peer is within one line, however
    /// many octets arrive.
    pub fn lines_read(&self) -> u64 {
        self.lines_read
    }

    /// Sets the terms for the peer from now on.
    pub fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
    }

    /// Processes `input`, removes the consumed part, and writes replies.
    pub fn next(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Event {
        loop {
            let event = match &self.mode {
                Mode::Closed(reason) => Some(Event::Close(*reason)),
                // The driver did not answer: the session must not continue.
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
                Mode::Command | Mode::Authentication => {
                    let authentication = matches!(self.mode, Mode::Authentication);
                    match self
                        .lines
                        .next(input, |line| line_limit(line, authentication))
                    {
                        Line::NeedInput => return Event::NeedInput,
                        Line::Complete(length) => {
                            self.knows_crlf = true;
                            self.whole_line(length, 2, input, output)
                        }
                        Line::BareLineFeed(length) if self.terms.lenient => {
                            self.whole_line(length, 1, input, output)
                        }
                        Line::BareLineFeed(length) => {
                            input.advance(length);
                            self.bad_line("bare-line-feed", &BARE_LINE_FEED, output)
                        }
                        Line::TooLong if authentication => {
                            self.bad_line("line-too-long", &RESPONSE_TOO_LONG, output)
                        }
                        Line::TooLong => self.bad_line("line-too-long", &LINE_TOO_LONG, output),
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

    fn bad_line(
        &mut self,
        name: &'static str,
        reply: &Reply,
        output: &mut BytesMut,
    ) -> Option<Event> {
        self.mode = Mode::Command;
        self.end_login();
        self.reject(reply, output);
        Some(Event::Refused(Misspoken {
            name,
            said: String::new(),
            reply: reply.clone(),
            leniently: name == "bare-line-feed",
        }))
    }

    /// A complete line, with its end.
    fn whole_line(
        &mut self,
        length: usize,
        end: usize,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Option<Event> {
        self.lines_read += 1;
        let event = self.line(&input[..length - end], output);
        input.advance(length);
        event
    }

    /// The treatment of a bare LF in a message.
    fn line_feeds(&self) -> LineFeeds {
        match (self.terms.lenient, self.knows_crlf) {
            (false, _) => LineFeeds::Refused,
            (true, true) => LineFeeds::Completed,
            (true, false) => LineFeeds::LineEnds,
        }
    }

    /// One line, without its CRLF.
    fn line(&mut self, line: &[u8], output: &mut BytesMut) -> Option<Event> {
        let is_response = matches!(self.mode, Mode::Authentication);
        let result = match std::str::from_utf8(line) {
            Ok(text) if text.contains(['\0', '\r']) => {
                Err(Reply::new(500, 5, 2, "Line holds NUL or CR"))
            }
            Ok(text) => match std::mem::replace(&mut self.mode, Mode::Command) {
                Mode::Authentication => self.response(text, output),
                _ => self.command(text, output),
            },
            Err(_) => match leniency::hello_in_latin_1(line) {
                Some(hello) if self.terms.lenient && !is_response => self.command(&hello, output),
                _ => Err(Reply::new(500, 5, 2, "Line is not UTF-8")),
            },
        };
        match result {
            Ok(event) => event,
            Err(reply) => {
                let leniently = !is_response && self.would_be_taken_leniently(line);
                // A refused response ends an AUTH exchange.
                self.end_login();
                self.reject(&reply, output);
                let said = String::from_utf8_lossy(line);
                let verb = match Entry::find(line) {
                    _ if is_response => "AUTH",
                    Some(entry) => entry.verb,
                    None => "",
                };
                Some(Event::Refused(Misspoken {
                    leniently,
                    ..Misspoken::new(verb, &said, &reply)
                }))
            }
        }
    }

    /// Refuses a command for its form; the refusal is counted.
    fn reject(&mut self, reply: &Reply, output: &mut BytesMut) {
        reply.write(output);
        if reply.is_permanent() {
            self.bad_commands += 1;
        }
        self.close_after_too_many(output);
    }

    fn close_after_too_many(&mut self, output: &mut BytesMut) {
        let refusals = match self.terms.refusals {
            0 => self.limits.refusals,
            terms => terms.min(self.limits.refusals),
        };
        let too_many = self.bad_commands >= self.limits.bad_commands
            || self.refusals >= refusals
            || self.failed_logins >= self.limits.failed_logins;
        if too_many {
            TOO_MANY.write(output);
            self.mode = Mode::Closed(CloseReason::TooManyErrors);
        }
    }
}

/// The maximum length of a line with this start.
fn line_limit(line: &[u8], authentication: bool) -> usize {
    if authentication {
        return AUTH_LINE_LIMIT;
    }
    Entry::find(line).map_or(LINE_LIMIT, |entry| entry.line_limit)
}
