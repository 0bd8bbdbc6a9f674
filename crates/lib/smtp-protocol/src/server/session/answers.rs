//! The driver's answers, and their effect on the session.

use bytes::BytesMut;

use super::{Mode, Question, Session, Transaction};
use crate::Reply;
use crate::server::auth;
use crate::server::commands::etrn::QueueRun;
use crate::server::commands::hello::greeting;
use crate::server::content::{DotStuffed, TextLines};
use crate::server::event::CloseReason;
use crate::server::line::Lines;
use crate::server::phase::Phase;

impl Session {
    /// Answers the last question with yes.
    pub fn accept(&mut self, output: &mut BytesMut) {
        let Mode::Asked(question) = self.mode else {
            return;
        };
        self.mode = Mode::Command;
        match question {
            Question::Hello => {
                let extended = self.hello.as_ref().is_some_and(|hello| hello.extended);
                greeting(&self.hostname, extended, &self.terms).write(output);
            }
            Question::Xclient { logged_in } => {
                self.hello = None;
                self.transaction = Transaction::default();
                self.end_login();
                self.authenticated = logged_in;
                self.terms.xclient = false;
                self.greet(output);
            }
            Question::Login => {
                self.authenticated = true;
                auth::LOGGED_IN.write(output);
            }
            Question::Sender => {
                self.transaction.open = true;
                Reply::new(250, 1, 0, "Sender ok").write(output);
            }
            Question::Recipient => {
                self.transaction.recipients += 1;
                Reply::new(250, 1, 5, "Recipient ok").write(output);
            }
            Question::Verification => {
                Reply::new(252, 1, 5, "Send some mail, and see").write(output);
            }
            Question::QueueRun => QueueRun::Begun.reply().write(output),
            Question::Data => {
                let lines = TextLines::new(self.limits.text_line).with(self.line_feeds());
                self.mode = Mode::Data(DotStuffed::new(lines));
                Reply::plain(354, "End with <CRLF>.<CRLF>").write(output);
            }
            Question::Chunk => {
                let lines = TextLines::new(self.limits.text_line).with(self.line_feeds());
                self.transaction.chunks = Some(lines);
                self.mode = Mode::Chunk;
            }
            Question::Message => {
                self.reset();
                self.idle_commands = 0;
                Reply::new(250, 0, 0, "Message accepted").write(output);
            }
            // Answered by `secured`.
            Question::StartTls => self.mode = Mode::Asked(Question::StartTls),
        }
    }

    /// Answers [`Event::Mail`] with yes and another priority than requested (RFC 6710 §4.1).
    pub fn accept_with_priority(&mut self, priority: i8, output: &mut BytesMut) {
        if matches!(self.mode, Mode::Asked(Question::Sender)) {
            self.mode = Mode::Command;
            self.transaction.open = true;
            let text = format!("{priority} is the priority that it gets");
            Reply::new(250, 3, 6, "").with_text(text).write(output);
        }
    }

    /// Answers [`Event::Complete`] with yes and the message's id.
    pub fn accept_message(&mut self, id: &str, output: &mut BytesMut) {
        if matches!(self.mode, Mode::Asked(Question::Message)) {
            self.mode = Mode::Command;
            self.reset();
            self.idle_commands = 0;
            let text = format!("Message accepted as {id}");
            Reply::new(250, 0, 0, "").with_text(text).write(output);
        }
    }

    /// Answers [`Event::Verify`]: the mailbox exists, with this address. [`Session::accept`] reveals
    /// nothing.
    pub fn verified(&mut self, address: &str, output: &mut BytesMut) {
        if matches!(self.mode, Mode::Asked(Question::Verification)) {
            self.mode = Mode::Command;
            let text = format!("<{address}>");
            Reply::new(250, 1, 5, "").with_text(text).write(output);
        }
    }

    /// Answers [`Event::QueueRun`]: delivery was started.
    pub fn queue_run(&mut self, run: QueueRun, output: &mut BytesMut) {
        if matches!(self.mode, Mode::Asked(Question::QueueRun)) {
            self.mode = Mode::Command;
            run.reply().write(output);
        }
    }

    /// Answers [`Event::Login`] or [`Event::Response`] with a challenge.
    pub fn challenge(&mut self, challenge: &[u8], output: &mut BytesMut) {
        if matches!(self.mode, Mode::Asked(Question::Login)) {
            auth::challenge(challenge).write(output);
            self.mode = Mode::Authentication;
        }
    }

    /// Answers [`Event::Login`] or [`Event::Response`] with no, after a last challenge: the client responds
    /// to it and is then refused. The failure is counted now, since the client may cancel.
    pub fn refuse_after_challenge(
        &mut self,
        challenge: &[u8],
        reply: Reply,
        output: &mut BytesMut,
    ) {
        if matches!(self.mode, Mode::Asked(Question::Login)) {
            self.failed_logins += 1;
            self.challenge(challenge, output);
            self.last_refusal = Some(reply);
        }
    }

    /// Answers [`Event::Login`] or [`Event::Response`]: the response violates the mechanism's grammar. It
    /// counts as a bad command; the event [`Event::Refused`] does not follow.
    pub fn refuse_malformed_response(&mut self, output: &mut BytesMut) {
        if matches!(self.mode, Mode::Asked(Question::Login)) {
            self.mode = Mode::Command;
            self.reject(&auth::MALFORMED, output);
        }
    }

    /// Answers the last question with no. Refusals (5xx) are counted.
    pub fn refuse(&mut self, reply: Reply, output: &mut BytesMut) {
        let Mode::Asked(question) = self.mode else {
            return;
        };
        self.mode = Mode::Command;
        match question {
            Question::Hello => self.hello = None,
            Question::Login => self.failed_logins += u32::from(reply.is_permanent()),
            Question::Sender | Question::Data | Question::Message => {
                self.reset();
            }
            Question::Chunk => {
                self.transaction.refusal = Some(reply);
                self.mode = Mode::Chunk;
                return;
            }
            Question::Recipient
            | Question::Verification
            | Question::QueueRun
            | Question::StartTls
            | Question::Xclient { .. } => {}
        }
        self.refused(&reply, output);
    }

    /// Refuses the message being received; the reply is sent at its end.
    pub fn refuse_message(&mut self, reply: Reply) {
        if matches!(self.mode, Mode::Data(_) | Mode::Chunk) || self.phase() == Phase::Chunks {
            self.transaction.refusal.get_or_insert(reply);
        }
    }

    /// TLS is active: earlier statements of the peer are dropped (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        self.hello = None;
        self.authenticated = false;
        self.last_refusal = None;
        self.transaction = Transaction::default();
        self.lines = Lines::default();
        self.mode = Mode::Command;
    }

    /// Ends the session with a reply, in any state.
    pub fn close(&mut self, reply: &Reply, output: &mut BytesMut) {
        reply.write(output);
        self.transaction = Transaction::default();
        self.mode = Mode::Closed(CloseReason::Closed);
    }

    pub(super) fn refused(&mut self, reply: &Reply, output: &mut BytesMut) {
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
