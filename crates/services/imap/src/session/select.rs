//! SELECT and EXAMINE.

use api::mailbox::v1::SelectRequest;
use imap_protocol::MailboxName;
use imap_protocol::RangeSet;
use imap_protocol::response::{Code, Condition, put_number_line};

use super::Session;
use super::selected::OpenMailbox;
use crate::answer::{Answer, Stop};
use crate::server::{next, timed};
use crate::view::View;

impl Session {
    pub(super) async fn select(
        &mut self,
        name: &MailboxName,
        read_only: bool,
    ) -> Result<Answer, Stop> {
        // A failed SELECT leaves no mailbox open (RFC 9051 §6.3.2).
        self.open = None;
        let actor = self.actor()?;
        let request = SelectRequest {
            actor: Some(actor.clone()),
            name: name.as_str().to_owned(),
        };
        let mut batches = self
            .server
            .store()
            .select(timed(request))
            .await?
            .into_inner();
        let first = next(&mut batches).await?.unwrap_or_default();
        let state = first
            .state
            .ok_or_else(|| Answer::no_with(Code::ServerBug, "Internal error."))?;
        let modseq = state.highest_modseq;
        let mut view = View::new(state.uid_next, modseq, &first.keywords, read_only);
        view.extend(first.messages);
        while let Some(batch) = next(&mut batches).await? {
            view.extend(batch.messages);
        }

        view.put_mailbox_flags(self.io.output());
        put_number_line(self.io.output(), view.len(), "EXISTS");
        put_number_line(self.io.output(), view.recent(), "RECENT");
        if let Some(unseen) = view.first_unseen() {
            let code = Code::Unseen(unseen);
            self.say(Condition::Ok, Some(code), "First unseen message.");
        }
        let validity = Code::UidValidity(state.uid_validity);
        self.say(Condition::Ok, Some(validity), "UIDs are valid.");
        let next = Code::UidNext(state.uid_next);
        self.say(Condition::Ok, Some(next), "The next UID.");
        self.open = Some(Box::new(OpenMailbox {
            id: state.mailbox_id,
            read_only,
            view,
            watch: self.server.watch.subscribe(&actor, state.mailbox_id),
            actor,
            saved: RangeSet::default(),
            filled: false,
        }));
        Ok(if read_only {
            Answer::ok_with(Code::ReadOnly, "Examine completed.")
        } else {
            Answer::ok_with(Code::ReadWrite, "Select completed.")
        })
    }
}
