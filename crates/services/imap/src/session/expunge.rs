//! EXPUNGE, UID EXPUNGE and the removal at CLOSE.

use api::mailbox::v1::{ExpungeRequest, UidRange};
use imap_protocol::{MessageSet, RangeSet};

use super::selected::Selected;
use crate::answer::{Answer, Stop};
use crate::server::timed;

/// Ranges in the store's form.
pub(super) fn uid_ranges(uids: &RangeSet) -> Vec<UidRange> {
    uids.ranges()
        .map(|range| UidRange {
            first: *range.start(),
            last: *range.end(),
        })
        .collect()
}

impl Selected<'_> {
    pub(super) async fn expunge(&mut self, only: Option<&MessageSet>) -> Result<Answer, Stop> {
        self.check_writable()?;
        let open = &mut *self.mailbox;
        let uids = match only {
            None => Vec::new(),
            Some(messages) => {
                let uids = open.view.uids(messages, &open.saved);
                // To the store, an empty list means all.
                if uids.is_empty() {
                    return Ok(Answer::ok("Nothing to expunge."));
                }
                uid_ranges(&uids)
            }
        };
        let request = ExpungeRequest {
            actor: Some(open.actor.clone()),
            mailbox_id: open.id,
            uids,
        };
        let mut store = self.server.store();
        let gone = store.expunge(timed(request)).await?.into_inner();
        open.view.note_gone(gone.uids.iter().map(|&uid| uid..=uid));
        if !gone.uids.is_empty() {
            open.view.own_change(gone.highest_modseq);
        }
        // The EXPUNGE responses are sent with other updates, before the tagged response.
        Ok(Answer::ok("Expunge completed."))
    }

    /// CLOSE removes messages marked `\Deleted` without EXPUNGE responses (RFC 9051 §6.4.1).
    pub(super) async fn expunge_silently(&mut self) -> Result<(), Stop> {
        if !self.mailbox.read_only {
            let request = ExpungeRequest {
                actor: Some(self.mailbox.actor.clone()),
                mailbox_id: self.mailbox.id,
                uids: Vec::new(),
            };
            self.server.store().expunge(timed(request)).await?;
        }
        Ok(())
    }
}
