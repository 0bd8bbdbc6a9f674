//! The incremental reader: bytes in, events out.
//!
//! It consumes the start of the input when it forms an event, and leaves the rest. It never requests more
//! input than one command may have, and stores only a position.
//!
//! ```text
//!            complete line                      APPEND's message announced
//! Command ───────────────────▶ Event::Command   ─────────▶ Verdict ──accept──▶ Message ─▶ MessageEnd
//!    │ too long, literal refused                              │ refuse
//!    └────────▶ Discard ◀─────────────────────────────────────┘ (if it is sent nevertheless)
//! ```

use bytes::{Buf, Bytes, BytesMut};

use crate::Tag;
use crate::command::{AppendHead, Parsed};
use crate::error::CommandError;

mod event;
mod limits;
mod literal;
#[cfg(test)]
mod tests;

pub use event::{Event, LineEvent};
pub use limits::{CommandLimits, Limits};
use literal::Literal;

#[derive(Debug)]
enum Expecting {
    Command(Progress),
    Verdict(Literal, Tag),
    Message { left: u64, tag: Tag },
    MessageEnd { tag: Tag },
    Discard { literal: u64 },
}

/// The scanned part of a command.
#[derive(Debug, Default)]
struct Progress {
    /// Start of the current line.
    line: usize,
    /// There is no line end before this position.
    scanned: usize,
    /// Octets of the literals before the line.
    literals: usize,
}

/// The reader of one session.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    authenticated: bool,
    expecting: Expecting,
}

impl Reader {
    /// A reader at the start of a session.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            authenticated: false,
            expecting: Expecting::Command(Progress::default()),
        }
    }

    /// After the login the higher limits apply.
    pub fn set_authenticated(&mut self) {
        self.authenticated = true;
    }

    fn command_limits(&self) -> CommandLimits {
        if self.authenticated {
            self.limits.authenticated
        } else {
            self.limits.unauthenticated
        }
    }

    /// The next event.
    pub fn next(&mut self, input: &mut BytesMut) -> Event {
        loop {
            let event = match &mut self.expecting {
                Expecting::Command(_) => self.command(input),
                Expecting::Verdict(..) => Some(Event::NeedInput),
                Expecting::Message { .. } => self.message(input),
                Expecting::MessageEnd { .. } => Some(self.message_end(input)),
                Expecting::Discard { .. } => self.discard(input),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// The next line, without parsing.
    pub fn next_line(&mut self, input: &mut BytesMut, longest: usize) -> LineEvent {
        match memchr::memchr(b'\n', input) {
            Some(end) if end <= longest => {
                let mut line = input.split_to(end + 1);
                line.truncate(end);
                if line.last() == Some(&b'\r') {
                    line.truncate(end - 1);
                }
                LineEvent::Line(line.freeze())
            }
            None if input.len() <= longest => LineEvent::NeedInput,
            _ => LineEvent::TooLong,
        }
    }

    /// Accepts the message announced by [`Event::Append`]. Send a continuation first, if the client waits
    /// for one.
    pub fn accept(&mut self) {
        if let Expecting::Verdict(literal, tag) = &self.expecting {
            self.expecting = Expecting::Message {
                left: literal.size,
                tag: tag.clone(),
            };
        }
    }

    /// Refuses the message. The caller answers the command now; if the client sends the message, it is
    /// dropped.
    pub fn refuse(&mut self) {
        if let Expecting::Verdict(literal, _) = &self.expecting {
            self.expecting = if literal.synchronizing {
                Expecting::Command(Progress::default())
            } else {
                Expecting::Discard {
                    literal: literal.size,
                }
            };
        }
    }

    /// Searches for the end of the command. `None`: call again.
    fn command(&mut self, input: &mut BytesMut) -> Option<Event> {
        let limits = self.command_limits();
        let Expecting::Command(progress) = &mut self.expecting else {
            return None;
        };
        let Some(unseen) = input.get(progress.scanned..) else {
            // The literal is incomplete.
            return Some(Event::NeedInput);
        };
        let found = memchr::memchr(b'\n', unseen).map(|at| progress.scanned + at + 1);
        let end = found.unwrap_or(input.len());
        if end - progress.literals > limits.line {
            return Some(self.too_long(input, limits.line));
        }
        let Some(end) = found else {
            progress.scanned = end;
            return Some(Event::NeedInput);
        };
        let line = input.get(progress.line..end).unwrap_or_default();
        match Literal::announced_by(line) {
            None => {
                let mut command = input.split_to(end);
                self.expecting = Expecting::Command(Progress::default());
                let text = literal::without_line_break(&command).len();
                command.truncate(text);
                Some(read_command(command.freeze()))
            }
            Some(literal) => self.announced(input, end, literal, limits),
        }
    }

    /// A literal follows the line that ends here.
    fn announced(
        &mut self,
        input: &mut BytesMut,
        end: usize,
        literal: Literal,
        limits: CommandLimits,
    ) -> Option<Event> {
        if self.authenticated && AppendHead::begins(input) {
            let before =
                Bytes::copy_from_slice(input.get(..end - literal.mark).unwrap_or_default());
            let head = AppendHead::parse(before, literal.size, literal.synchronizing);
            if let Ok(head) = head {
                input.advance(end);
                self.expecting = Expecting::Verdict(literal, head.tag.clone());
                return Some(Event::Append(Box::new(head)));
            }
        }
        let Expecting::Command(progress) = &mut self.expecting else {
            return None;
        };
        let size = usize::try_from(literal.size).unwrap_or(usize::MAX);
        let literals = progress.literals.saturating_add(size);
        if literals > limits.literal {
            let tag = Tag::at_start_of(input);
            input.advance(end);
            return Some(self.literal_too_large(tag, literal));
        }
        *progress = Progress {
            line: end + size,
            scanned: end + size,
            literals,
        };
        literal.synchronizing.then_some(Event::Continue)
    }

    fn literal_too_large(&mut self, tag: Option<Tag>, literal: Literal) -> Event {
        if literal.synchronizing {
            self.expecting = Expecting::Command(Progress::default());
        } else if literal.size > self.limits.discard {
            return Event::Fatal(CommandError::LiteralTooLarge);
        } else {
            self.expecting = Expecting::Discard {
                literal: literal.size,
            };
        }
        Event::Invalid(tag, CommandError::LiteralTooLarge)
    }

    fn too_long(&mut self, input: &mut BytesMut, limit: usize) -> Event {
        // Octets after the limit may or may not have arrived.
        let tag = Tag::at_start_of(input.get(..limit).unwrap_or(input));
        // Literals before the line are complete: the dropped input begins with the line.
        if let Expecting::Command(progress) = &self.expecting {
            let line = progress.line.min(input.len());
            input.advance(line);
        }
        self.expecting = Expecting::Discard { literal: 0 };
        Event::Invalid(tag, CommandError::LineTooLong)
    }

    fn message(&mut self, input: &mut BytesMut) -> Option<Event> {
        let Expecting::Message { left, tag } = &mut self.expecting else {
            return None;
        };
        if *left == 0 {
            let tag = tag.clone();
            self.expecting = Expecting::MessageEnd { tag };
            return None;
        }
        if input.is_empty() {
            return Some(Event::NeedInput);
        }
        let here = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
        *left -= here as u64;
        Some(Event::Data(input.split_to(here).freeze()))
    }

    /// The end of the command follows the message: one message at a time.
    fn message_end(&mut self, input: &mut BytesMut) -> Event {
        let Expecting::MessageEnd { tag } = &self.expecting else {
            return Event::NeedInput;
        };
        let rest: &[u8] = input;
        let length = rest.iter().take_while(|&&octet| octet == b' ').count();
        let event = match rest.get(length..).unwrap_or_default() {
            [b'\r', b'\n', ..] => {
                input.advance(length + 2);
                Event::AppendEnd
            }
            [b'\n', ..] => {
                input.advance(length + 1);
                Event::AppendEnd
            }
            [] | [b'\r'] if length < 16 => return Event::NeedInput,
            _ => {
                let error = CommandError::Expected("the end of the command");
                let event = Event::Invalid(Some(tag.clone()), error);
                self.expecting = Expecting::Discard { literal: 0 };
                return event;
            }
        };
        self.expecting = Expecting::Command(Progress::default());
        event
    }

    /// Drops a literal, then the rest of the command with its non-synchronizing literals.
    fn discard(&mut self, input: &mut BytesMut) -> Option<Event> {
        /// Maximum length of a literal marker at the end of a line.
        const TAIL: usize = 32;
        let Expecting::Discard { literal } = &mut self.expecting else {
            return None;
        };
        if *literal > 0 {
            if input.is_empty() {
                return Some(Event::NeedInput);
            }
            let here = usize::try_from(*literal).map_or(input.len(), |left| left.min(input.len()));
            input.advance(here);
            *literal -= here as u64;
            return None;
        }
        let Some(end) = memchr::memchr(b'\n', input) else {
            input.advance(input.len().saturating_sub(TAIL));
            return Some(Event::NeedInput);
        };
        let announced = Literal::announced_by(input.get(..=end).unwrap_or_default());
        input.advance(end + 1);
        match announced {
            Some(next) if !next.synchronizing => {
                if next.size > self.limits.discard {
                    return Some(Event::Fatal(CommandError::LiteralTooLarge));
                }
                *literal = next.size;
            }
            _ => self.expecting = Expecting::Command(Progress::default()),
        }
        None
    }
}

fn read_command(command: Bytes) -> Event {
    let Parsed { tag, result } = Parsed::from_bytes(command);
    match (tag, result) {
        (Some(tag), Ok((phase, command))) => Event::Command(tag, phase, Box::new(command)),
        (None, Ok(_)) => Event::Invalid(None, CommandError::NoTag),
        (tag, Err(error)) => Event::Invalid(tag, error),
    }
}
