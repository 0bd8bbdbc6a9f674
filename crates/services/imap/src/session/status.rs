//! STATUS.

use api::mailbox::v1::{GetStatusRequest, MailboxState};
use imap_protocol::command::{Status, StatusItem};
use imap_protocol::response::put_status;

use super::Session;
use crate::answer::{Answer, Stop};
use crate::server::timed;

/// The requested items of a mailbox, with their values.
pub(super) fn values<'a>(
    items: &'a [StatusItem],
    state: &'a MailboxState,
    max_message_size: u64,
) -> impl Iterator<Item = (StatusItem, u64)> + 'a {
    items.iter().map(move |&item| {
        let value = match item {
            StatusItem::Messages => state.messages.into(),
            // The store does not record which session first saw a message: none is recent to a session that
            // does not open the mailbox.
            StatusItem::Recent => 0,
            StatusItem::UidNext => state.uid_next.into(),
            StatusItem::UidValidity => state.uid_validity.into(),
            StatusItem::Unseen => state.unseen.into(),
            StatusItem::Deleted => state.deleted.into(),
            StatusItem::Size => state.size,
            StatusItem::HighestModSeq => state.highest_modseq,
            StatusItem::AppendLimit => max_message_size,
        };
        (item, value)
    })
}

impl Session {
    pub(super) async fn status(&mut self, command: &Status) -> Result<Answer, Stop> {
        let request = GetStatusRequest {
            actor: Some(self.actor()?),
            names: vec![command.mailbox.as_str().to_owned()],
        };
        let mut store = self.server.store();
        let states = store.get_status(timed(request)).await?.into_inner().states;
        let limit = self.server.max_message_size;
        if let Some(state) = states.first() {
            let values = values(&command.items, state, limit);
            put_status(self.io.output(), &command.mailbox, values);
        }
        Ok(Answer::ok("Status completed."))
    }
}
