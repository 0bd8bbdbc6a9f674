//! Telling the client what others did to the open mailbox.

use imap_protocol::response::Code;
use imap_protocol::{Command, MailboxName};

use super::{OpenMailbox, Session};
use crate::server::timed;
use api::mailbox::v1::GetChangesRequest;

/// What may be told at the end of a command, and whether to ask first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sync {
    /// EXPUNGE may be sent (RFC 9051 §7.5.1).
    pub(super) expunge: bool,
    /// The store is asked even when no change notice has come: the client wants to know now, or
    /// the notice of its own command may still be under way.
    pub(super) ask: bool,
}

impl Sync {
    /// Everything, if there is news.
    pub(super) const ALL: Self = Self {
        expunge: true,
        ask: false,
    };

    /// Everything there is at this moment.
    pub(super) const NOW: Self = Self {
        expunge: true,
        ask: true,
    };

    /// What is told before a command is done, so that it does not speak of yesterday's mailbox.
    pub(super) fn before(self, command: &Command) -> Option<Self> {
        let of_messages = matches!(
            command,
            Command::Fetch(_)
                | Command::Search(_)
                | Command::Store(_)
                | Command::Copy(_)
                | Command::Move(_)
        );
        of_messages.then_some(Self {
            expunge: self.expunge && !has_sequence_numbers(command),
            ask: false,
        })
    }

    pub(super) fn after(command: &Command, open: Option<&OpenMailbox>) -> Self {
        let by_sequence = match command {
            // MOVE lives by its EXPUNGE.
            Command::Move(_) => false,
            // Its answer counts no places.
            Command::Search(search) => !search.uid,
            command => has_sequence_numbers(command),
        };
        let here = |name: &MailboxName| open.is_some_and(|open| open.name == *name);
        let ask = match command {
            Command::Noop | Command::Check => true,
            Command::Copy(copy) | Command::Move(copy) => here(&copy.to),
            _ => false,
        };
        Self {
            expunge: !by_sequence,
            ask,
        }
    }
}

/// Whether sequence numbers stand in it. Its writer counted by what it knew: an EXPUNGE told now
/// would make them numbers of other messages (RFC 3501 §7.4.1).
fn has_sequence_numbers(command: &Command) -> bool {
    match command {
        Command::Fetch(fetch) => !fetch.messages.is_uid(),
        Command::Store(store) => !store.messages.is_uid(),
        Command::Copy(copy) | Command::Move(copy) => !copy.messages.is_uid(),
        // UID SEARCH as well: only its answer is in UIDs.
        Command::Search(_) => true,
        _ => false,
    }
}

impl Session {
    /// Tells what is new. False when the store did not say: what is known stays, and is told
    /// another time.
    pub(super) async fn sync(&mut self, sync: Sync) -> bool {
        let Some(open) = self.open.as_deref_mut() else {
            return true;
        };
        if sync.expunge {
            open.view.tell_expunged(self.io.output());
        }
        if !sync.ask && open.watch.highest() <= open.view.modseq() {
            return true;
        }
        let request = GetChangesRequest {
            mailbox_id: open.id,
            since_modseq: open.view.modseq(),
        };
        let changes = match self.server.store().get_changes(timed(request)).await {
            Ok(changes) => changes.into_inner(),
            Err(status) => {
                tracing::debug!(code = ?status.code(), "not told what has changed");
                return false;
            }
        };
        if changes.deleted {
            self.open = None;
            self.bye(Some(Code::NonExistent), "The mailbox was deleted.");
            return true;
        }
        open.view
            .tell_changes(changes, sync.expunge, self.io.output());
        true
    }
}
