//! What the commands see and change of a session.

use super::{Mode, Question, Session, Transaction};
use crate::server::commands::etrn::Node;
use crate::server::commands::mail::{Body, Mail};
use crate::server::commands::rcpt::Rcpt;
use crate::server::commands::xclient::Xclient;
use crate::server::event::{CloseReason, Event};
use crate::server::table::Phase;
use crate::server::terms::Hello;
use crate::{Mailbox, Reply};

impl Session {
    pub(in crate::server) fn phase(&self) -> Phase {
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
    pub(in crate::server) fn is_smtputf8(&self) -> bool {
        self.transaction.smtputf8
    }

    /// Whether the message that is to come was declared to be binary.
    pub(in crate::server) fn is_binary(&self) -> bool {
        self.transaction.binary
    }

    pub(in crate::server) fn ask_hello(&mut self, hello: Hello) -> Event {
        self.transaction = Transaction::default();
        self.hello = Some(hello);
        self.ask(Question::Hello, Event::Hello)
    }

    pub(in crate::server) fn ask_starttls(&mut self) -> Event {
        self.ask(Question::StartTls, Event::StartTls)
    }

    pub(in crate::server) fn ask_xclient(&mut self, told: Xclient) -> Event {
        let logged_in = told.login.is_some();
        self.ask(Question::Xclient { logged_in }, Event::Xclient(told))
    }

    pub(in crate::server) fn ask_sender(&mut self, mail: Mail) -> Event {
        self.transaction = Transaction {
            smtputf8: mail.smtputf8,
            binary: mail.body == Body::BinaryMime,
            ..Transaction::default()
        };
        self.ask(Question::Sender, Event::Mail(mail))
    }

    pub(in crate::server) fn ask_recipient(&mut self, rcpt: Rcpt) -> Event {
        self.ask(Question::Recipient, Event::Rcpt(rcpt))
    }

    pub(in crate::server) fn ask_verification(&mut self, mailbox: Option<Mailbox>) -> Event {
        self.ask(Question::Verification, Event::Verify(mailbox))
    }

    pub(in crate::server) fn ask_queue_run(&mut self, node: Node) -> Event {
        self.ask(Question::QueueRun, Event::QueueRun(node))
    }

    pub(in crate::server) fn ask_data(&mut self) -> Event {
        self.ask(Question::Data, Event::Begin)
    }

    pub(super) fn ask(&mut self, question: Question, event: Event) -> Event {
        self.mode = Mode::Asked(question);
        event
    }

    /// Ends the transaction; true when there was one.
    pub(in crate::server) fn reset(&mut self) -> bool {
        std::mem::take(&mut self.transaction).open
    }

    pub(in crate::server) fn end(&mut self, reason: CloseReason) {
        self.mode = Mode::Closed(reason);
    }
}

/// AUTH.
impl Session {
    pub(in crate::server) fn ask_login(&mut self, event: Event) -> Event {
        self.ask(Question::Login, event)
    }

    pub(in crate::server) fn take_last_refusal(&mut self) -> Option<Reply> {
        self.last_refusal.take()
    }

    pub(in crate::server) fn set_authenticated(&mut self) {
        self.authenticated = true;
    }

    /// A login under way is over without having come to its end.
    pub(super) fn end_login(&mut self) {
        self.last_refusal = None;
        if matches!(self.mode, Mode::Authentication) {
            self.mode = Mode::Command;
        }
    }
}
