//! The octets of a message, with DATA and with BDAT.

use bytes::{Buf as _, BytesMut};

use super::{Chunk, Mode, Question, Session};
use crate::Reply;
use crate::server::content::{Fault, Piece, TextLines};
use crate::server::event::{Event, Misspoken};
use crate::server::phase::Phase;

impl Session {
    pub(super) fn data(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Option<Event> {
        let Mode::Data(framing) = &mut self.mode else {
            return None;
        };
        let piece = framing.next(input);
        let fault = framing.lines.fault();
        match piece {
            Piece::Framing(octets) => {
                input.advance(octets);
                self.note(fault)
            }
            Piece::End(octets) => {
                input.advance(octets);
                Some(self.complete(fault, output)?)
            }
            Piece::Content(octets) => self.content(octets, fault, input, output),
        }
    }

    /// Begins a chunk of this size; `refused` if its octets are only skipped.
    pub(super) fn begin_chunk(
        &mut self,
        size: u64,
        last: bool,
        refused: Option<Reply>,
    ) -> Option<Event> {
        self.chunk = Chunk {
            left: size,
            last,
            size,
        };
        if let Some(reply) = refused {
            self.transaction.refusal = Some(reply);
            self.transaction.received = 0;
            self.mode = Mode::Chunk;
            return None;
        }
        if self.phase() == Phase::Recipients {
            return Some(self.ask(Question::Chunk, Event::Begin));
        }
        self.mode = Mode::Chunk;
        None
    }

    pub(super) fn chunk(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Option<Event> {
        if self.chunk.left == 0 {
            return self.end_of_chunk(output);
        }
        let here =
            usize::try_from(self.chunk.left).map_or(input.len(), |left| left.min(input.len()));
        if here == 0 {
            return None;
        }
        self.chunk.left -= here as u64;
        let fault = self.text_lines().and_then(|lines| {
            lines.check(&input[..here]);
            lines.fault()
        });
        self.content(here, fault, input, output)
    }

    /// The line checks of the chunks, if they are lines.
    fn text_lines(&mut self) -> Option<&mut TextLines> {
        let lines = self.transaction.chunks.as_mut();
        lines.filter(|_| !self.transaction.binary)
    }

    fn end_of_chunk(&mut self, output: &mut BytesMut) -> Option<Event> {
        self.mode = Mode::Command;
        if let Some(reply) = self.transaction.refusal.take() {
            // The whole message is refused with the chunk (RFC 3030 §2).
            let open = self.reset();
            self.refused(&reply, output);
            if open {
                return Some(Event::Reset);
            }
            // The driver already knows of refusals within a message.
            return Some(Event::Refused(Misspoken::new("BDAT", "BDAT", &reply)));
        }
        if self.chunk.last {
            let fault = self.text_lines().and_then(|lines| {
                lines.finish();
                lines.fault()
            });
            return self.complete(fault, output);
        }
        let text = format!("{} octets received", self.chunk.size);
        Reply::new(250, 0, 0, "").with_text(text).write(output);
        None
    }

    /// Octets of the message at the start of the input: passed to the driver, or dropped if the message is
    /// already refused.
    fn content(
        &mut self,
        octets: usize,
        fault: Option<Fault>,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Option<Event> {
        self.transaction.received += octets as u64;
        let too_large = self.terms.size != 0 && self.transaction.received > self.terms.size;
        let fault = fault.or(too_large.then_some(Fault::TooLarge));
        let event = self.note(fault);
        if self.transaction.refusal.is_none() {
            return Some(Event::Content(octets));
        }
        input.advance(octets);
        if self.transaction.received > self.terms.size.saturating_add(self.limits.refused_octets) {
            let reply = self.transaction.refusal.take()?;
            self.close(&reply, output);
        }
        event
    }

    /// Records the first fault, and reports it to the driver once.
    fn note(&mut self, fault: Option<Fault>) -> Option<Event> {
        let fault = fault?;
        if self.transaction.refusal.is_some() {
            return None;
        }
        self.transaction.refusal = Some(fault.reply());
        Some(Event::Broken(fault))
    }

    fn complete(&mut self, fault: Option<Fault>, output: &mut BytesMut) -> Option<Event> {
        let event = self.note(fault);
        let Some(reply) = self.transaction.refusal.take() else {
            return Some(self.ask(Question::Message, Event::Complete));
        };
        self.mode = Mode::Command;
        self.reset();
        self.refused(&reply, output);
        event.or(Some(Event::Reset))
    }
}
