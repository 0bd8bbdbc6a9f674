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
            user_id: self.user()?,
            name: name.to_string(),
            special_use,
        };
        self.server.store().create_mailbox(timed(request)).await?;
        Ok(Answer::ok("Create completed."))
    }

    pub(super) async fn delete(&mut self, name: &MailboxName) -> Result<Answer, Stop> {
        let request = DeleteMailboxRequest {
            user_id: self.user()?,
            name: name.to_string(),
        };
        self.server.store().delete_mailbox(timed(request)).await?;
        if self.open.as_ref().is_some_and(|open| open.name == *name) {
            self.open = None;
        }
        Ok(Answer::ok("Delete completed."))
    }

    pub(super) async fn rename(&mut self, command: &Rename) -> Result<Answer, Stop> {
        let request = RenameMailboxRequest {
            user_id: self.user()?,
            from: command.from.to_string(),
            to: new_name(&command.to)?.to_string(),
        };
        let to = request.to.clone();
        self.server.store().rename_mailbox(timed(request)).await?;
        if let Some(open) = self.open.as_deref_mut()
            && let Some(name) = renamed(&open.name, &command.from, &to)
        {
            open.name = name;
        }
        Ok(Answer::ok("Rename completed."))
    }

    pub(super) async fn set_subscribed(
        &mut self,
        name: &MailboxName,
        subscribed: bool,
    ) -> Result<Answer, Stop> {
        let request = SetSubscribedRequest {
            user_id: self.user()?,
            name: name.to_string(),
            subscribed,
        };
        self.server.store().set_subscribed(timed(request)).await?;
        Ok(Answer::ok("Subscription changed."))
    }
}

/// The new name of a mailbox when `from` is renamed: itself, or a level above it. INBOX keeps its
/// name, its messages move (RFC 3501 §6.3.5).
fn renamed(name: &MailboxName, from: &MailboxName, to: &str) -> Option<MailboxName> {
    let behind = name.as_str().strip_prefix(from.as_str())?;
    let below = behind.is_empty() || behind.starts_with(MailboxName::SEPARATOR);
    if !below || from.as_str() == "INBOX" {
        return None;
    }
    MailboxName::new(&format!("{to}{behind}"))
}

fn new_name(name: &MailboxName) -> Result<MailboxName, Stop> {
    name.for_creation()
        .ok_or_else(|| Answer::no_with(Code::Cannot, "No mailbox can have that name.").into())
}

fn no_such_use() -> Stop {
    Answer::no_with(Code::UseAttr, "No mailbox can be made for that use.").into()
}
