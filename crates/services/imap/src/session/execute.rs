//! The dispatch of commands.

use imap_protocol::response::{Condition, put_untagged};
use imap_protocol::{Command, Tag};

use super::Session;
use crate::answer::{Answer, Stop};

impl Session {
    /// Executes a command: writes its untagged responses, returns the tagged one.
    pub(super) async fn execute(&mut self, tag: &Tag, command: Command) -> Result<Answer, Stop> {
        match command {
            Command::Capability => {
                let line = format!("CAPABILITY {}", self.capabilities());
                put_untagged(self.io.output(), &line);
                Ok(Answer::ok("Capability completed."))
            }
            Command::Noop => Ok(Answer::ok("Noop completed.")),
            Command::Check => Ok(Answer::ok("Check completed.")),
            Command::Logout => {
                self.open = None;
                self.ended = true;
                self.say(Condition::Bye, None, "Logging out.");
                Ok(Answer::ok("Logout completed."))
            }
            Command::Id(_) => {
                put_untagged(self.io.output(), "ID (\"name\" \"Postern\")");
                Ok(Answer::ok("ID completed."))
            }
            Command::Enable(_) => {
                // No announced capability needs ENABLE.
                put_untagged(self.io.output(), "ENABLED");
                Ok(Answer::ok("Enable completed."))
            }
            Command::Namespace => {
                put_untagged(self.io.output(), "NAMESPACE ((\"\" \"/\")) NIL NIL");
                Ok(Answer::ok("Namespace completed."))
            }
            Command::StartTls => self.start_tls(tag).await,
            Command::Login(login) => self.log_in(&login.user, &login.password).await,
            Command::Authenticate(authenticate) => self.authenticate(authenticate).await,
            Command::Select(select) => self.select(&select.mailbox, false).await,
            Command::Examine(select) => self.select(&select.mailbox, true).await,
            Command::Create(create) => self.create(&create).await,
            Command::Delete(name) => self.delete(&name).await,
            Command::Rename(rename) => self.rename(&rename).await,
            Command::Subscribe(name) => self.set_subscribed(&name, true).await,
            Command::Unsubscribe(name) => self.set_subscribed(&name, false).await,
            Command::List(list) => self.list(&list).await,
            Command::Lsub(lsub) => self.lsub(&lsub).await,
            Command::Status(status) => self.status(&status).await,
            Command::Close => {
                self.selected()?.expunge_silently().await?;
                self.open = None;
                Ok(Answer::ok("Close completed."))
            }
            Command::Unselect => {
                self.open = None;
                Ok(Answer::ok("Unselect completed."))
            }
            Command::Expunge => self.selected()?.expunge(None).await,
            Command::UidExpunge(uids) => self.selected()?.expunge(Some(&uids)).await,
            Command::Search(search) => self.selected()?.search(tag, &search).await,
            Command::Fetch(fetch) => self.selected()?.fetch(fetch).await,
            Command::Store(store) => self.selected()?.store(store).await,
            Command::Copy(copy) => self.selected()?.copy(&copy).await,
            Command::Move(copy) => self.selected()?.r#move(&copy).await,
            // The session handles this itself.
            Command::Idle => Ok(Answer::not_in_this_state()),
        }
    }
}
