//! Updates of the client about changes by other sessions in the open mailbox.

use imap_protocol::Command;
use imap_protocol::response::Code;

use super::Session;
use crate::server::timed;
use api::mailbox::v1::GetChangesRequest;

/// The updates allowed at the end of a command, and whether to ask the store first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sync {
    /// EXPUNGE may be sent (RFC 9051 §7.5.1).
    pub(super) expunge: bool,
    /// Ask the store even without a change notice: the client wants to know now.
    pub(super) ask: bool,
}

impl Sync {
    /// All updates, after a change notice.
    pub(super) const ALL: Self = Self {
        expunge: true,
        ask: false,
    };

    /// Updates sent before a command runs, so that it works on the current mailbox.
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

    pub(super) fn after(command: &Command) -> Self {
        let by_sequence = match command {
            // MOVE requires EXPUNGE responses.
            Command::Move(_) => false,
            // Its response has no sequence numbers.
            Command::Search(search) => !search.uid,
            command => has_sequence_numbers(command),
        };
        Self {
            expunge: !by_sequence,
            ask: matches!(command, Command::Noop | Command::Check),
        }
    }
}

/// Whether it has sequence numbers. The client counted by its own state: an EXPUNGE sent now would make them
/// numbers of other messages (RFC 3501 §7.4.1).
fn has_sequence_numbers(command: &Command) -> bool {
    match command {
        Command::Fetch(fetch) => !fetch.messages.is_uid(),
        Command::Store(store) => !store.messages.is_uid(),
        Command::Copy(copy) | Command::Move(copy) => !copy.messages.is_uid(),
        // UID SEARCH as well: only its response is in UIDs.
        Command::Search(_) => true,
        _ => false,
    }
}

impl Session {
    pub(super) fn is_open(&self, mailbox_id: i64) -> bool {
        self.open.as_ref().is_some_and(|open| open.id == mailbox_id)
    }

    /// Sends updates. False if the store did not answer: the view stays as it is, and the updates follow
    /// later.
    pub(super) async fn sync(&mut self, sync: Sync) -> bool {
        let Some(open) = self.open.as_deref_mut() else {
            return true;
        };
        if sync.expunge {
            open.view.tell_expunged(self.io.output());
        }
        let ask = sync.ask || open.filled;
        if !ask && open.watch.highest() <= open.view.modseq() {
            return true;
        }
        let request = GetChangesRequest {
            actor: Some(open.actor.clone()),
            mailbox_id: open.id,
            since_modseq: open.view.modseq(),
        };
        let changes = match self.server.store().get_changes(timed(request)).await {
            Ok(changes) => changes.into_inner(),
            Err(status) => {
                tracing::debug!(code = ?status.code(), "mailbox-store did not report changes");
                return false;
            }
        };
        if changes.deleted {
            self.open = None;
            self.bye(Some(Code::NonExistent), "The mailbox was deleted.");
            return true;
        }
        open.filled = false;
        open.view
            .tell_changes(changes, sync.expunge, self.io.output());
        true
    }
}
