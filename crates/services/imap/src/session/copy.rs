//! COPY and MOVE.

use api::mailbox::v1::{CopyRequest, CopyResponse};
use imap_protocol::RangeSet;
use imap_protocol::command::Copy;
use imap_protocol::response::Code;

use super::expunge::uid_ranges;
use super::selected::{OpenMailbox, Selected};
use crate::answer::{Answer, Stop, try_create};
use crate::server::timed;

/// `COPYUID`: the UIDs of originals and copies. `None` if no message was copied (RFC 4315 §3).
fn copyuid(copied: &CopyResponse) -> Option<Code> {
    if copied.from_uids.is_empty() {
        return None;
    }
    let from: RangeSet = copied.from_uids.iter().copied().collect();
    let to: RangeSet = copied.to_uids.iter().copied().collect();
    Some(Code::CopyUid(copied.uid_validity, from, to))
}

fn request(open: &OpenMailbox, command: &Copy) -> Option<CopyRequest> {
    let uids = open.view.uids(&command.messages, &open.saved);
    (!uids.is_empty()).then(|| CopyRequest {
        actor: Some(open.actor.clone()),
        mailbox_id: open.id,
        uids: uid_ranges(&uids),
        to: command.to.as_str().to_owned(),
    })
}

impl Selected<'_> {
    pub(super) async fn copy(&mut self, command: &Copy) -> Result<Answer, Stop> {
        let Some(request) = request(self.mailbox, command) else {
            return Ok(Answer::ok("No such message."));
        };
        let mut store = self.server.store();
        let copied = store
            .copy(timed(request))
            .await
            .map_err(try_create)?
            .into_inner();
        self.mailbox.note_filled(copied.mailbox_id);
        Ok(match copyuid(&copied) {
            Some(code) => Answer::ok_with(code, "Copy completed."),
            None => Answer::ok("No such message."),
        })
    }

    pub(super) async fn r#move(&mut self, command: &Copy) -> Result<Answer, Stop> {
        self.check_writable()?;
        let Some(request) = request(self.mailbox, command) else {
            return Ok(Answer::ok("No such message."));
        };
        let mut store = self.server.store();
        let moved = store
            .r#move(timed(request))
            .await
            .map_err(try_create)?
            .into_inner();
        self.mailbox.note_filled(moved.mailbox_id);
        let Some(code) = copyuid(&moved) else {
            return Ok(Answer::ok("No such message."));
        };
        // RFC 6851 §4.3: untagged, before the EXPUNGE responses.
        self.say(Some(code), "Moved.");
        let gone = moved.from_uids.into_iter().map(|uid| uid..=uid);
        self.mailbox.view.note_gone(gone);
        Ok(Answer::ok("Move completed."))
    }
}
