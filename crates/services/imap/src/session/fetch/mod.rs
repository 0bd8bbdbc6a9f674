//! FETCH. Stored values are copied unchanged; octets of messages are streamed from the positions in the part
//! table (I7, I13).

mod octets;
mod plan;
mod section;
mod write;

use api::mailbox::v1::{FetchRequest, FetchedMessage, StoreFlagsRequest};
use api::mailbox::v1::{Flags as WireFlags, store_flags_request::Mode};
use imap_protocol::command::{Fetch, FetchItem};
use imap_protocol::response::Code;
use imap_protocol::{RangeSet, SystemFlags};

use super::expunge::uid_ranges;
use super::selected::{Selected, flush_if_large};
use crate::answer::{Answer, Stop};
use crate::server::{STILL_THERE, next, timed};
use plan::Plan;
use write::Responses;

impl Selected<'_> {
    pub(super) async fn fetch(&mut self, command: Fetch) -> Result<Answer, Stop> {
        let by_uid = command.messages.is_uid();
        let open = &*self.mailbox;
        let uids = open.view.uids(&command.messages, &open.saved);
        if uids.is_empty() {
            return Ok(Answer::ok("No such message."));
        }
        let plan = Plan::new(command.items);
        if plan.view_suffices() {
            self.fetch_from_view(&uids, &plan).await?;
            return Ok(Answer::ok("Fetch completed."));
        }
        let seen = self.mark_seen(&uids, &plan.items).await?;
        let expected = self.mailbox.view.within(&uids).count();
        let told = match self.fetch_from_store(&uids, &plan, &seen).await {
            Err(Stop::Answer(answer)) => {
                // The flags were set all the same, and the view counts them as sent.
                self.tell_flags(&seen);
                return Ok(answer);
            }
            told => told?,
        };
        if told >= expected {
            Ok(Answer::ok("Fetch completed."))
        } else if by_uid {
            Ok(Answer::ok_with(
                Code::ExpungeIssued,
                "Some of the messages are gone.",
            ))
        } else {
            // RFC 2180 §4.1.2
            Ok(Answer::no_with(
                Code::ExpungeIssued,
                "Some of the messages are gone.",
            ))
        }
    }

    fn responses(&mut self) -> Responses<'_> {
        Responses {
            io: self.io,
            server: self.server,
            mailbox: self.mailbox,
        }
    }

    fn tell_flags(&mut self, uids: &RangeSet) {
        let uids: Vec<u32> = uids.numbers().collect();
        self.mailbox.view.tell_flags(&uids, self.io.output());
    }

    /// The view holds UIDs and flags.
    async fn fetch_from_view(&mut self, uids: &RangeSet, plan: &Plan) -> Result<(), Stop> {
        let mut responses = self.responses();
        for message in responses.mailbox.view.within(uids) {
            let message = FetchedMessage {
                uid: message.uid,
                ..FetchedMessage::default()
            };
            responses.put_message(&message, plan, false).await?;
            flush_if_large(responses.io).await?;
        }
        Ok(())
    }

    /// Returns the number of messages sent.
    async fn fetch_from_store(
        &mut self,
        uids: &RangeSet,
        plan: &Plan,
        seen: &RangeSet,
    ) -> Result<usize, Stop> {
        let open = &*self.mailbox;
        let request = FetchRequest {
            actor: Some(open.actor.clone()),
            mailbox_id: open.id,
            uids: uid_ranges(uids),
            ..plan.request.clone()
        };
        let mut store = self.server.store();
        let fetch = store.fetch(timed(request));
        let answer = self.io.while_there(STILL_THERE, fetch).await??;
        let mut batches = answer.into_inner();
        let mut responses = self.responses();
        let mut told = 0;
        // Between two messages: within one response, only the message may be sent.
        while let Some(batch) = responses
            .io
            .while_there(STILL_THERE, next(&mut batches))
            .await??
        {
            for message in batch.messages {
                let newly_seen = seen.contains(message.uid);
                if responses.put_message(&message, plan, newly_seen).await? {
                    told += 1;
                }
                flush_if_large(responses.io).await?;
            }
        }
        Ok(told)
    }

    /// Sets `\Seen` where the items require it. Returns the UIDs where it was not set before.
    async fn mark_seen(&mut self, uids: &RangeSet, items: &[FetchItem]) -> Result<RangeSet, Stop> {
        let open = &mut *self.mailbox;
        if open.read_only || !items.iter().any(FetchItem::marks_seen) {
            return Ok(RangeSet::default());
        }
        let unseen: RangeSet = open
            .view
            .within(uids)
            .filter(|message| !message.system.contains(SystemFlags::SEEN))
            .map(|message| message.uid)
            .collect();
        if unseen.is_empty() {
            return Ok(unseen);
        }
        let request = StoreFlagsRequest {
            actor: Some(open.actor.clone()),
            mailbox_id: open.id,
            uids: uid_ranges(&unseen),
            mode: Mode::Add.into(),
            flags: Some(WireFlags {
                system: SystemFlags::SEEN.bits(),
                keywords: Vec::new(),
            }),
            unchanged_since: None,
        };
        let mut store = self.server.store();
        let stored = store
            .store_flags(timed(request))
            .await?
            .into_inner()
            .messages;
        let changed = stored.into_iter().filter_map(|message| {
            let changed = open.view.set_flags(message.uid, message.flags);
            changed.then_some(message.uid)
        });
        Ok(changed.collect())
    }
}
