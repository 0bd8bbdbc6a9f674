//! CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE.

use api::mailbox::v1::{
    CreateMailboxRequest, DeleteMailboxRequest, RenameMailboxRequest, SetSubscribedRequest,
};
use imap_protocol::MailboxName;
use imap_protocol::command::{Create, Rename, SpecialUse};
use imap_protocol::response::Code;

use super::Session;
use crate::answer::{Answer, Stop};
use crate::server::timed;

impl Session {
    pub(super) async fn create(&mut self, command: &Create) -> Result<Answer, Stop> {
        let name = new_name(&command.mailbox)?;
        let special_use = match command.special_use.as_slice() {
            [] => String::new(),
            // These two would show messages of other mailboxes.
            [SpecialUse::All | SpecialUse::Flagged] => return Err(no_such_use()),
            [special_use] => special_use.name().to_owned(),
            _ => return Err(no_such_use()),
        };
        let request = CreateMailboxRequest {
            actor: Some(self.actor()?),
            name: name.to_string(),
            special_use,
        };
        self.server.store().create_mailbox(timed(request)).await?;
        Ok(Answer::ok("Create completed."))
    }

    pub(super) async fn delete(&mut self, name: &MailboxName) -> Result<Answer, Stop> {
        let request = DeleteMailboxRequest {
            actor: Some(self.actor()?),
            name: name.to_string(),
        };
        let mut store = self.server.store();
        let deleted = store.delete_mailbox(timed(request)).await?.into_inner();
        // Compared by id, not by name: another session may have renamed the open mailbox and created another.
        if self.is_open(deleted.mailbox_id) {
            self.open = None;
        }
        Ok(Answer::ok("Delete completed."))
    }

    pub(super) async fn rename(&mut self, command: &Rename) -> Result<Answer, Stop> {
        let request = RenameMailboxRequest {
            actor: Some(self.actor()?),
            from: command.from.to_string(),
            to: new_name(&command.to)?.to_string(),
        };
        self.server.store().rename_mailbox(timed(request)).await?;
        Ok(Answer::ok("Rename completed."))
    }

    pub(super) async fn set_subscribed(
        &mut self,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<Answer, Stop> {
        let request = SetSubscribedRequest {
            actor: Some(self.actor()?),
            name: name.to_string(),
            subscribed,
        };
        self.server.store().set_subscribed(timed(request)).await?;
        Ok(Answer::ok("Subscription changed."))
    }
}

fn new_name(name: &MailboxName) -> Result<MailboxName, Stop> {
    name.for_creation()
        .ok_or_else(|| Answer::no_with(Code::Cannot, "Invalid mailbox name.").into())
}

fn no_such_use() -> Stop {
    Answer::no_with(Code::UseAttr, "No mailbox can be created for this use.").into()
}
