//! Writing one FETCH response.

use api::mailbox::v1::FetchedMessage;
use bytes::BufMut;
use imap_protocol::command::FetchItem;
use imap_protocol::wire::{Side, put_number};
use imap_protocol::{InternalDate, Partial, Section, SectionText, put_internal_date};
use session_io::Connection;

use super::octets::{PutResult, part_of};
use super::plan::Plan;
use super::section::{Located, locate};
use crate::answer::Stop;
use crate::server::Server;
use crate::session::FLUSH_AT;
use crate::session::selected::OpenMailbox;

/// Writes FETCH responses. The mailbox does not change meanwhile.
pub(super) struct Responses<'a> {
    pub(super) io: &'a mut Connection,
    pub(super) server: &'a Server,
    pub(super) mailbox: &'a OpenMailbox,
}

impl Responses<'_> {
    /// `* n FETCH (…)`. False if the client does not know the message, or it has gone.
    pub(super) async fn put_message(
        &mut self,
        message: &FetchedMessage,
        plan: &Plan,
        newly_seen: bool,
    ) -> Result<bool, Stop> {
        let Some(place) = self.mailbox.view.sequence(message.uid) else {
            return Ok(false);
        };
        let start = self.io.output().len();
        let out = self.io.output();
        out.put_slice(b"* ");
        put_number(out, u64::from(place));
        out.put_slice(b" FETCH (");
        // As long as nothing of this response was sent it can be withdrawn.
        let mut sent = false;
        for (index, item) in plan.items.iter().enumerate() {
            if index > 0 {
                self.io.output().put_u8(b' ');
            }
            let before = self.io.output().len();
            match self.put_item(item, message).await {
                Ok(PutResult::Sent) => {
                    let length = self.io.output().len();
                    sent |= length < before;
                    // Pending output of earlier responses does not count: no more is held than before (I7).
                    let own = length - if sent { 0 } else { start };
                    if own >= FLUSH_AT {
                        self.io.flush().await?;
                        sent = true;
                    }
                }
                Ok(PutResult::Gone) | Err(Stop::Answer(_)) if sent => return Err(Stop::Lost),
                Ok(PutResult::Gone) => {
                    self.io.output().truncate(start);
                    return Ok(false);
                }
                Err(stop) => {
                    self.io.output().truncate(start);
                    return Err(stop);
                }
            }
        }
        if newly_seen && !plan.sends_flags() {
            self.io.output().put_slice(b" FLAGS ");
            self.put_flags_of(message.uid);
        }
        self.io.output().put_slice(b")\r\n");
        Ok(true)
    }

    async fn put_item(
        &mut self,
        item: &FetchItem,
        message: &FetchedMessage,
    ) -> Result<PutResult, Stop> {
        let out = self.io.output();
        match item {
            FetchItem::Uid => {
                out.put_slice(b"UID ");
                put_number(out, u64::from(message.uid));
            }
            FetchItem::Flags => {
                out.put_slice(b"FLAGS ");
                self.put_flags_of(message.uid);
            }
            FetchItem::InternalDate => {
                out.put_slice(b"INTERNALDATE ");
                put_internal_date(out, InternalDate(message.internal_date_ms));
            }
            FetchItem::Size => {
                out.put_slice(b"RFC822.SIZE ");
                put_number(out, message.size);
            }
            FetchItem::Envelope => put_stored(out, b"ENVELOPE ", &message.envelope),
            FetchItem::Body => put_stored(out, b"BODY ", &message.body),
            FetchItem::BodyStructure => {
                put_stored(out, b"BODYSTRUCTURE ", &message.body_structure);
            }
            FetchItem::Rfc822 => {
                out.put_slice(b"RFC822 ");
                return self.put_section(&Section::Whole, None, message).await;
            }
            FetchItem::Rfc822Header => {
                out.put_slice(b"RFC822.HEADER ");
                let section = Section::Message(SectionText::Header);
                return self.put_section(&section, None, message).await;
            }
            FetchItem::Rfc822Text => {
                out.put_slice(b"RFC822.TEXT ");
                let section = Section::Message(SectionText::Text);
                return self.put_section(&section, None, message).await;
            }
            FetchItem::Section {
                section, partial, ..
            } => {
                out.put_slice(b"BODY");
                section.write(out, Side::Server);
                if let Some(partial) = partial {
                    out.put_slice(format!("<{}>", partial.offset).as_bytes());
                }
                out.put_u8(b' ');
                return self.put_section(section, *partial, message).await;
            }
        }
        Ok(PutResult::Sent)
    }

    async fn put_section(
        &mut self,
        section: &Section,
        partial: Option<Partial>,
        message: &FetchedMessage,
    ) -> Result<PutResult, Stop> {
        let octets = match locate(section, message) {
            Located::Nowhere => {
                self.io.output().put_slice(b"NIL");
                return Ok(PutResult::Sent);
            }
            Located::Range(range) => {
                return self.put_range(message, part_of(range, partial)).await;
            }
            Located::Octets(octets) => octets,
            Located::Fields(range, fields) => match self.header_within(message, range).await? {
                Some(header) => fields.of(&header),
                None => return Ok(PutResult::Gone),
            },
        };
        let wanted = part_of(0..octets.len() as u64, partial);
        let whole = FetchedMessage {
            content: Some(octets),
            ..FetchedMessage::default()
        };
        self.put_range(&whole, wanted).await
    }

    fn put_flags_of(&mut self, uid: u32) {
        let view = &self.mailbox.view;
        match view.message(uid) {
            Some(message) => view.put_message_flags(message, self.io.output()),
            None => self.io.output().put_slice(b"()"),
        }
    }
}

/// A value stored in its wire form.
fn put_stored(out: &mut bytes::BytesMut, word: &[u8], value: &[u8]) {
    out.put_slice(word);
    out.put_slice(if value.is_empty() { b"NIL" } else { value });
}
