//! What the commands see and change of a session.

use bytes::BytesMut;

use super::{Mode, Question, Session, Transaction};
use crate::Reply;
use crate::server::auth::{Exchange, Step};
use crate::server::commands::mail::Mail;
use crate::server::commands::rcpt::Rcpt;
use crate::server::commands::xclient::Xclient;
use crate::server::event::{CloseReason, Event};
use crate::server::table::Phase;
use crate::server::terms::Hello;

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
            ..Transaction::default()
        };
        self.ask(Question::Sender, Event::Mail(mail))
    }

    pub(in crate::server) fn ask_recipient(&mut self, rcpt: Rcpt) -> Event {
        self.ask(Question::Recipient, Event::Rcpt(rcpt))
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
    /// Takes a client's response, the one that came with AUTH or one on a line of its own.
    pub(in crate::server) fn authenticate(
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

    pub(in crate::server) fn challenge(&mut self, exchange: Exchange, output: &mut BytesMut) {
        exchange.challenge().write(output);
        self.mode = Mode::Authentication(exchange);
    }
}
