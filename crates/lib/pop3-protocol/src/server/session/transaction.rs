//! The TRANSACTION state: replies from the maildrop, and tasks of the driver.

use bytes::BytesMut;

use super::answer::ok;
use super::{Action, Session, State};
use crate::server::command::Command;
use crate::server::maildrop::Maildrop;

const NO_SUCH_MESSAGE: &str = "There is no such message.";

/// A multi-line LIST or UIDL in progress.
#[derive(Debug)]
pub(super) struct Listing {
    of: Of,
    next: usize,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    Sizes,
    Uidls,
}

impl Listing {
    /// Appends lines until all are written or `enough` octets are pending. True at the end.
    pub(super) fn go_on(
        &mut self,
        maildrop: &Maildrop,
        enough: usize,
        output: &mut BytesMut,
    ) -> bool {
        while self.next < maildrop.numbers() {
            if output.len() >= enough {
                return false;
            }
            self.next += 1;
            let number = u32::try_from(self.next).unwrap_or(u32::MAX);
            if let Some(line) = self.of.line(maildrop, number) {
                output.extend_from_slice(line.as_bytes());
                output.extend_from_slice(b"\r\n");
            }
        }
        output.extend_from_slice(b".\r\n");
        true
    }
}

impl Of {
    fn line(self, maildrop: &Maildrop, number: u32) -> Option<String> {
        let message = maildrop.message(number)?;
        Some(match self {
            Self::Sizes => format!("{number} {}", message.size),
            Self::Uidls => format!("{number} {}", maildrop.uidl(message)),
        })
    }
}

impl Session {
    pub(super) fn in_transaction(
        &mut self,
        command: &Command,
        output: &mut BytesMut,
    ) -> Option<Action> {
        let State::Transaction { maildrop, listing } = &mut self.state else {
            return None;
        };
        let done = match *command {
            Command::Stat => {
                let (count, size) = maildrop.totals();
                ok(&format!("{count} {size}"), output);
                true
            }
            Command::List(number) => list(Of::Sizes, number, maildrop, listing, output),
            Command::Uidl(number) => list(Of::Uidls, number, maildrop, listing, output),
            Command::Dele(number) => {
                let deleted = maildrop.delete(number);
                if deleted {
                    ok("Marked as deleted.", output);
                }
                deleted
            }
            Command::Rset => {
                maildrop.reset();
                ok("Nothing is marked as deleted.", output);
                true
            }
            Command::Retr(number) => {
                if let Some(message) = maildrop.message(number) {
                    return Some(Action::Retrieve {
                        uid: message.uid,
                        size: message.size,
                    });
                }
                false
            }
            Command::Top(number, lines) => {
                if let Some(message) = maildrop.message(number) {
                    return Some(Action::Top {
                        uid: message.uid,
                        lines,
                    });
                }
                false
            }
            _ => true,
        };
        if done {
            None
        } else {
            self.error(NO_SUCH_MESSAGE, output)
        }
    }
}

/// Writes one line, or begins many. False if the message does not exist.
fn list(
    of: Of,
    number: Option<u32>,
    maildrop: &Maildrop,
    listing: &mut Option<Listing>,
    output: &mut BytesMut,
) -> bool {
    match number {
        Some(number) => match of.line(maildrop, number) {
            Some(line) => {
                ok(&line, output);
                true
            }
            None => false,
        },
        None => {
            ok("", output);
            *listing = Some(Listing { of, next: 0 });
            true
        }
    }
}
