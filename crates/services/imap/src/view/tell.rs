//! Responses about the open mailbox.

use api::mailbox::v1::GetChangesResponse;
use bytes::{BufMut, BytesMut};
use imap_protocol::response::{
    Code, Condition, put_condition, put_flag_list, put_flags, put_number_line,
};
use imap_protocol::wire::put_number;

use super::{Message, View, learn};

impl View {
    /// Applies all changes and writes their responses: EXPUNGE (unless it is not allowed now), then EXISTS,
    /// then FETCH.
    pub(crate) fn tell_changes(
        &mut self,
        changes: GetChangesResponse,
        expunge: bool,
        out: &mut BytesMut,
    ) {
        let expunged = changes.expunged.iter();
        self.note_gone(expunged.map(|range| range.first..=range.last));
        if expunge {
            self.tell_expunged(out);
        }
        let mut news = Vec::new();
        let mut arrived = Vec::new();
        for state in changes.changed {
            if state.uid >= self.uid_next {
                let message = self.flags.message(state.uid, state.flags);
                self.messages.push(message);
                arrived.push(state.uid);
            } else if self.set_flags(state.uid, state.flags) {
                news.push(state.uid);
            }
        }
        if let Some(state) = changes.state {
            self.modseq = state.highest_modseq.max(self.modseq);
            self.uid_next = state.uid_next.max(self.uid_next);
        }
        // The client asks for the flags of new messages itself; new keywords are reported at once.
        self.tell_new_keywords(&arrived, out);
        if !arrived.is_empty() {
            put_number_line(out, self.len(), "EXISTS");
            put_number_line(out, self.recent(), "RECENT");
        }
        self.tell_flags(&news, out);
    }

    /// `* n EXPUNGE` for each removed message. Each number counts after the one before it.
    pub(crate) fn tell_expunged(&mut self, out: &mut BytesMut) {
        if self.gone.is_empty() {
            return;
        }
        let gone = std::mem::take(&mut self.gone);
        let mut place = 0;
        self.messages.retain(|message| {
            let stays = gone.binary_search(&message.uid).is_err();
            if stays {
                place += 1;
            } else {
                put_number_line(out, place + 1, "EXPUNGE");
            }
            stays
        });
    }

    /// `* n FETCH (UID u FLAGS (…))` for each of these, with FLAGS before them if there are keywords unknown
    /// to the client.
    pub(crate) fn tell_flags(&mut self, uids: &[u32], out: &mut BytesMut) {
        self.tell_new_keywords(uids, out);
        for &uid in uids {
            let (Some(place), Some(message)) = (self.sequence(uid), self.message(uid)) else {
                continue;
            };
            out.put_slice(b"* ");
            put_number(out, u64::from(place));
            out.put_slice(b" FETCH (UID ");
            put_number(out, u64::from(uid));
            out.put_slice(b" FLAGS ");
            self.put_message_flags(message, out);
            out.put_slice(b")\r\n");
        }
    }

    /// The flags of a message in a FETCH response.
    pub(crate) fn put_message_flags(&self, message: &Message, out: &mut BytesMut) {
        let recent = (message.uid >= self.recent_from).then_some("\\Recent");
        let names: Vec<&str> = message.system.names().chain(recent).collect();
        put_flag_list(out, names.into_iter().chain(message.keywords()));
    }

    fn tell_new_keywords(&mut self, uids: &[u32], out: &mut BytesMut) {
        let mut known = self.known.clone();
        let before = known.keywords().len();
        for message in uids.iter().filter_map(|&uid| self.message(uid)) {
            message
                .keywords()
                .for_each(|keyword| learn(&mut known, keyword));
        }
        if known.keywords().len() > before {
            self.known = known;
            self.put_mailbox_flags(out);
        }
    }

    /// `FLAGS` and `PERMANENTFLAGS`.
    pub(crate) fn put_mailbox_flags(&self, out: &mut BytesMut) {
        put_flags(out, &self.known);
        let (code, text) = if self.read_only {
            (Code::NoPermanentFlags, "Read-only mailbox.")
        } else {
            (Code::PermanentFlags(self.known.clone()), "Permanent flags.")
        };
        put_condition(out, None, Condition::Ok, Some(&code), text);
    }
}
