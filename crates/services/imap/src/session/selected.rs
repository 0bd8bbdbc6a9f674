//! The selected state (RFC 9051 §3.3), in which commands on messages run. It exists only while a mailbox is
//! open, so these commands need not check that.

use api::actor::v1::Actor;
use imap_protocol::RangeSet;
use imap_protocol::response::{Code, Condition, put_condition};
use session_io::Connection;

use super::{FLUSH_AT, Session};
use crate::answer::{Answer, Stop};
use crate::server::Server;
use crate::view::View;
use crate::watch::Subscription;

/// The open mailbox.
pub(super) struct OpenMailbox {
    /// The user who has opened it.
    pub(super) actor: Actor,
    pub(super) id: i64,
    pub(super) read_only: bool,
    pub(super) view: View,
    pub(super) watch: Subscription,
    /// UIDs of the last SEARCH RETURN (SAVE): `$`.
    pub(super) saved: RangeSet,
    /// A command of this session has added messages to the mailbox that are not announced yet.
    pub(super) filled: bool,
}

impl OpenMailbox {
    /// Records that a command has added messages to a mailbox. If it is this one, they are announced with the
    /// command's response: the change notice may still be in transit.
    pub(super) fn note_filled(&mut self, mailbox_id: i64) {
        self.filled |= self.id == mailbox_id;
    }
}

/// A session in the selected state.
pub(super) struct Selected<'a> {
    pub(super) io: &'a mut Connection,
    pub(super) server: &'a Server,
    pub(super) mailbox: &'a mut OpenMailbox,
}

impl Session {
    /// The session in the selected state, if a mailbox is open.
    pub(super) fn selected(&mut self) -> Result<Selected<'_>, Stop> {
        let mailbox = self.open.as_deref_mut();
        Ok(Selected {
            io: &mut self.io,
            server: &self.server,
            mailbox: mailbox.ok_or_else(Answer::not_in_this_state)?,
        })
    }
}

impl Selected<'_> {
    /// Refuses changes if the mailbox is open read-only.
    pub(super) fn check_writable(&self) -> Result<(), Answer> {
        if self.mailbox.read_only {
            return Err(Answer::no_with(
                Code::ReadOnly,
                "The mailbox is open read-only.",
            ));
        }
        Ok(())
    }

    pub(super) fn say(&mut self, code: Option<Code>, text: &str) {
        put_condition(self.io.output(), None, Condition::Ok, code.as_ref(), text);
    }
}

/// Flushes the output of a logged-in client if it is large.
pub(super) async fn flush_if_large(io: &mut Connection) -> Result<(), Stop> {
    if io.output().len() >= FLUSH_AT {
        io.flush().await?;
        // A client that reads its response is not idle.
        io.of_use();
    }
    Ok(())
}
