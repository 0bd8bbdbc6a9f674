//! The state of a session, and its transitions.

use bytes::BytesMut;

use super::{Mode, Question, Session, Transaction};
use crate::Reply;
use crate::server::auth;
use crate::server::event::{CloseReason, Event};
use crate::server::phase::Phase;
use crate::server::standing::Standing;

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

    /// The state that a command is checked against.
    pub(super) fn standing(&self) -> Standing<'_> {
        Standing {
            terms: &self.terms,
            phase: self.phase(),
            authenticated: self.authenticated,
            smtputf8: self.transaction.smtputf8,
            binary: self.transaction.binary,
        }
    }

    pub(super) fn ask(&mut self, question: Question, event: Event) -> Event {
        self.mode = Mode::Asked(question);
        event
    }

    /// Ends the transaction; true if there was one.
    pub(super) fn reset(&mut self) -> bool {
        std::mem::take(&mut self.transaction).open
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
        self.mode = Mode::Closed(reason);
    }
}

/// AUTH.
impl Session {
    /// Handles a client's response on its own line.
    pub(super) fn response(
        &mut self,
        line: &str,
        output: &mut BytesMut,
    ) -> Result<Option<Event>, Reply> {
        let refused = self.last_refusal.take();
        let response = auth::response(line)?;
        match refused {
            // A failed login, which has been counted as such: not a syntax error.
            Some(reply) => {
                self.refused(&reply, output);
                Ok(None)
            }
            None => Ok(Some(self.ask(Question::Login, Event::Response(response)))),
        }
    }

    /// Aborts a login in progress.
    pub(super) fn end_login(&mut self) {
        self.last_refusal = None;
        if matches!(self.mode, Mode::Authentication) {
            self.mode = Mode::Command;
        }
    }
}
