//! The transaction of one message: MAIL, RCPT…, then DATA or BDAT.
//!
//! With PIPELINING (RFC 2920) all commands up to DATA are sent at once, and replies are matched in order.
//! With CHUNKING the content is sent with BDAT, once a recipient has been accepted.

use std::collections::VecDeque;

use bytes::{BufMut as _, BytesMut};

use super::{Answer, ClientError, Stage};
use crate::Reply;
use crate::client::content::{ContentWriter, Stuffing};
use crate::client::{Envelope, Extensions};

/// The next step of the transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read a reply.
    Reply,
    /// Supply the content.
    Content,
    /// Nothing more.
    Done,
}

/// Commands in the order of their replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Reset,
    Mail,
    Recipient(usize),
    Data,
}

#[derive(Debug)]
pub(super) struct Transaction {
    envelope: Envelope,
    extensions: Extensions,
    /// Not sent yet.
    to_send: VecDeque<Command>,
    /// Sent, and not answered yet.
    unanswered: VecDeque<Command>,
    /// One for each recipient, if known. Accepted recipients have none until the reply to the content.
    answers: Vec<Option<Answer>>,
    accepted: usize,
    content: Content,
    /// The connection cannot be used again: the server closes it (421), or is out of step.
    pub(super) closing: bool,
    /// The transaction was left before the reply to the content.
    pub(super) needs_reset: bool,
}

#[derive(Debug)]
enum Content {
    NotYet,
    /// May be sent.
    Wanted(ContentWriter),
    /// Sent; the final reply counts, unless no recipient was accepted.
    Sent,
    Over,
}

impl Transaction {
    pub(super) fn new(envelope: Envelope, extensions: Extensions, reset: bool) -> Self {
        let recipients = envelope.recipients.len();
        let mut to_send = VecDeque::with_capacity(recipients + 3);
        if reset {
            to_send.push_back(Command::Reset);
        }
        to_send.push_back(Command::Mail);
        to_send.extend((0..recipients).map(Command::Recipient));
        if !extensions.chunking {
            to_send.push_back(Command::Data);
        }
        Self {
            envelope,
            extensions,
            to_send,
            unanswered: VecDeque::new(),
            answers: vec![None; recipients],
            accepted: 0,
            content: Content::NotYet,
            closing: false,
            needs_reset: false,
        }
    }

    pub(super) fn start(&mut self, output: &mut BytesMut) {
        self.send_next(output);
        while self.extensions.pipelining && !self.to_send.is_empty() {
            self.send_next(output);
        }
    }

    /// Gives the same answer to all recipients without one.
    pub(super) fn refuse_all(&mut self, stage: Stage, reply: &Reply) {
        for answer in self.answers.iter_mut().filter(|answer| answer.is_none()) {
            *answer = Some(Answer {
                stage,
                reply: reply.clone(),
            });
        }
        self.to_send.clear();
        self.accepted = 0;
        self.content = Content::Over;
    }

    /// The number of commands without a reply; the content waits alone.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// The step that waits for a reply.
    pub(super) fn stage(&self) -> Stage {
        match (self.unanswered.front(), &self.content) {
            (Some(Command::Reset | Command::Mail), _) => Stage::Mail,
            (Some(Command::Recipient(_)), _) => Stage::Recipient,
            (Some(Command::Data), _) | (None, Content::NotYet) => Stage::Data,
            (None, Content::Wanted(_) | Content::Sent | Content::Over) => Stage::Content,
        }
    }

    /// Whether all answers are known.
    pub(super) fn is_over(&self) -> bool {
        self.unanswered.is_empty() && matches!(self.content, Content::Over)
    }

    pub(super) fn step(&mut self, output: &mut BytesMut) -> Step {
        if self.closing {
            return Step::Done;
        }
        if !self.unanswered.is_empty() {
            return Step::Reply;
        }
        if matches!(self.content, Content::NotYet) && self.to_send.is_empty() {
            self.offer_chunk(output);
        }
        match self.content {
            Content::Wanted(_) => Step::Content,
            Content::NotYet | Content::Sent => Step::Reply,
            Content::Over => Step::Done,
        }
    }

    /// All recipients are answered, and the content would be sent with BDAT.
    fn offer_chunk(&mut self, output: &mut BytesMut) {
        if self.accepted == 0 {
            self.needs_reset = true;
            self.content = Content::Over;
            return;
        }
        let size = self.envelope.size;
        output.put_slice(format!("BDAT {size} LAST\r\n").as_bytes());
        self.content = Content::Wanted(ContentWriter::Chunk(size));
    }

    fn send_next(&mut self, output: &mut BytesMut) {
        let Some(command) = self.to_send.pop_front() else {
            return;
        };
        match command {
            Command::Reset => output.put_slice(b"RSET\r\n"),
            Command::Mail => output.put_slice(self.envelope.mail(&self.extensions).as_bytes()),
            Command::Recipient(index) => {
                if let Some(recipient) = self.envelope.recipients.get(index) {
                    output.put_slice(recipient.rcpt(&self.extensions).as_bytes());
                }
            }
            Command::Data => output.put_slice(b"DATA\r\n"),
        }
        self.unanswered.push_back(command);
    }

    pub(super) fn replied(&mut self, reply: Reply, output: &mut BytesMut) {
        let stage = self.stage();
        if reply.code == 421 {
            self.closing = true;
        }
        match self.unanswered.pop_front() {
            Some(Command::Reset) => {}
            Some(Command::Mail) if reply.is_positive() => {}
            Some(Command::Mail) => self.refuse_all(Stage::Mail, &reply),
            Some(Command::Recipient(index)) => self.recipient_replied(index, reply.clone()),
            Some(Command::Data) => self.data_replied(&reply, output),
            None => self.content_replied(&reply),
        }
        if self.closing {
            self.refuse_all(stage, &reply);
        } else if self.unanswered.is_empty() {
            self.go_on(output);
        }
    }

    fn recipient_replied(&mut self, index: usize, reply: Reply) {
        let Some(answer) = self
            .answers
            .get_mut(index)
            .filter(|answer| answer.is_none())
        else {
            return;
        };
        if reply.is_positive() {
            self.accepted += 1;
        } else {
            *answer = Some(Answer {
                stage: Stage::Recipient,
                reply,
            });
        }
    }

    /// Without PIPELINING each command waits for the reply to the previous one.
    fn go_on(&mut self, output: &mut BytesMut) {
        if self.to_send.front() == Some(&Command::Data) && self.accepted == 0 {
            self.to_send.clear();
            self.needs_reset = true;
            self.content = Content::Over;
        }
        self.send_next(output);
    }

    fn data_replied(&mut self, reply: &Reply, output: &mut BytesMut) {
        if reply.is_positive() {
            // No content was sent, so its replies are out of step.
            self.closing = true;
            let out_of_step = Reply {
                code: 451,
                enhanced: None,
                text: format!("DATA was answered with {} instead of 354", reply.code).into(),
            };
            self.refuse_all(Stage::Data, &out_of_step);
        } else if reply.code != 354 {
            self.needs_reset = true;
            self.refuse_all(Stage::Data, reply);
        } else if self.accepted == 0 {
            // RFC 2920 §3.1: DATA was sent too, and the server expects content although it has no
            // recipient.
            output.put_slice(b".\r\n");
            self.content = Content::Sent;
        } else {
            self.content = Content::Wanted(ContentWriter::Data(Stuffing::new()));
        }
    }

    fn content_replied(&mut self, reply: &Reply) {
        self.needs_reset = false;
        self.refuse_all(Stage::Content, reply);
    }

    pub(super) fn content(
        &mut self,
        piece: &[u8],
        output: &mut BytesMut,
    ) -> Result<(), ClientError> {
        match &mut self.content {
            Content::Wanted(writer) => writer
                .push(piece, output)
                .map_err(|_| ClientError::WrongSize),
            _ => Err(ClientError::WrongSize),
        }
    }

    pub(super) fn content_end(&mut self, output: &mut BytesMut) -> Result<(), ClientError> {
        match std::mem::replace(&mut self.content, Content::Sent) {
            Content::Wanted(writer) => writer.finish(output).map_err(|_| ClientError::WrongSize),
            _ => Err(ClientError::WrongSize),
        }
    }

    pub(super) fn answers_so_far(&self) -> Vec<Option<Answer>> {
        self.answers.clone()
    }

    pub(super) fn answers(self) -> Vec<Answer> {
        let missing = || Answer {
            stage: Stage::Preflight,
            reply: Reply::new(451, 5, 0, "No answer"),
        };
        self.answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(missing))
            .collect()
    }
}
