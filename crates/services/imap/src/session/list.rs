//! LIST and LSUB.

mod tree;

use api::grpc::Code as GrpcCode;
use api::mailbox::v1::{GetStatusRequest, ListMailboxesRequest};
use imap_protocol::MailboxName;
use imap_protocol::command::{List, Lsub, StatusItem};
use imap_protocol::response::{Code, put_list, put_status, put_untagged};

use super::Session;
use super::status::values;
use crate::answer::{Answer, Stop};
use crate::server::timed;
use tree::{ListEntry, Tree};

/// Runs work on a thread where it delays no other session, since it may take long with many mailboxes.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stop> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a list was not made");
        Answer::no_with(Code::ServerBug, "Internal error.").into()
    })
}

impl Session {
    pub(super) async fn list(&mut self, command: &List) -> Result<Answer, Stop> {
        let separator_only = !command.extended
            && command
                .patterns
                .iter()
                .all(imap_protocol::ListPattern::is_empty);
        if separator_only {
            put_untagged(self.io.output(), "LIST (\\Noselect) \"/\" \"\"");
            return Ok(Answer::ok("List completed."));
        }
        let tree = self.tree().await?;
        let asked = command.clone();
        let listed = aside(move || tree.list(&asked)).await?;
        for mailbox in &listed {
            self.put_listed("LIST", mailbox);
            self.flush_if_large().await?;
        }
        if let Some(items) = &command.returns.status {
            self.status_of_listed(&listed, items).await?;
        }
        Ok(Answer::ok("List completed."))
    }

    pub(super) async fn lsub(&mut self, command: &Lsub) -> Result<Answer, Stop> {
        let reference = command.reference.as_str();
        let Some(pattern) = command.pattern.behind(reference) else {
            return Ok(Answer::ok("Lsub completed."));
        };
        let tree = self.tree().await?;
        for mailbox in aside(move || tree.lsub(&pattern)).await? {
            self.put_listed("LSUB", &mailbox);
            self.flush_if_large().await?;
        }
        Ok(Answer::ok("Lsub completed."))
    }

    async fn tree(&mut self) -> Result<Tree, Stop> {
        let mut store = self.server.store();
        let request = ListMailboxesRequest {
            actor: Some(self.actor()?),
        };
        let mailboxes = store
            .list_mailboxes(timed(request))
            .await?
            .into_inner()
            .mailboxes;
        aside(move || Tree::new(mailboxes)).await
    }

    fn put_listed(&mut self, word: &str, mailbox: &ListEntry) {
        let extension = if mailbox.child_info {
            " (\"CHILDINFO\" (\"SUBSCRIBED\"))"
        } else {
            ""
        };
        put_list(
            self.io.output(),
            word,
            &mailbox.attributes,
            &mailbox.name,
            extension,
        );
    }

    /// RFC 5819: a STATUS response for each listed mailbox that can be opened.
    async fn status_of_listed(
        &mut self,
        listed: &[ListEntry],
        items: &[StatusItem],
    ) -> Result<(), Stop> {
        let names: Vec<&MailboxName> = listed
            .iter()
            .filter(|mailbox| mailbox.selectable)
            .map(|mailbox| &mailbox.name)
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let request = GetStatusRequest {
            actor: Some(self.actor()?),
            names: names.iter().map(ToString::to_string).collect(),
        };
        let mut store = self.server.store();
        let states = match store.get_status(timed(request)).await {
            Ok(states) => states.into_inner().states,
            // One was deleted just now. The list itself has been sent.
            Err(status) if status.code() == GrpcCode::NotFound => return Ok(()),
            Err(status) => return Err(status.into()),
        };
        let limit = self.server.max_message_size;
        for (name, state) in names.into_iter().zip(&states) {
            let values = values(items, state, limit);
            put_status(self.io.output(), name, values);
            self.flush_if_large().await?;
        }
        Ok(())
    }
}
