//! Converts a BINARYMIME message (RFC 3030 §3) to an ordinary one while it passes, in bounded memory: later
//! stages see lines of text with the same content.
//!
//! ```text
//!   push(piece) ──▶ header sections ──▶ Content-Transfer-Encoding: binary becomes
//!                        │                 base64    of a leaf
//!                        │                 8bit      of a multipart or a message
//!                        └▶ bodies ─────▶ of a leaf that was binary: base64
//!                                         else: as they are
//! ```
//!
//! Parts are found with the scanner's rules, so that both see the same structure. A message whose meaning
//! would change is refused ([`Unconvertible`]), never guessed. Octets outside binary leaf parts pass
//! unchanged: the caller checks that they are lines of text, as for all other mail.

mod base64_lines;
mod body;
mod header;
mod structure;

#[cfg(test)]
mod tests;

use body::{Body, Found};
use header::PartHeader;
use structure::{Inside, Structure};
use thiserror::Error;

use crate::mime::Hit;
use crate::{HeaderLines, MAX_HEADER};

/// Maximum size of a part's header section.
const MAX_PART_HEADER: usize = 64 * 1024;

/// The reason why a message cannot be converted.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Unconvertible {
    /// A signature or encrypted content would break.
    #[error("a binary part is in a multipart/signed or multipart/encrypted")]
    Sealed,
    /// A field occurs twice, once with "binary".
    #[error("a binary part has a repeated Content-Type or Content-Transfer-Encoding")]
    Ambiguous,
    /// The ends of its parts cannot be determined.
    #[error("a binary multipart has no valid boundary")]
    NoBoundary,
    /// Parts below the maximum depth would not be seen.
    #[error("its parts are nested too deeply")]
    TooDeep,
    /// More parts than the scanner supports.
    #[error("it has too many parts")]
    TooManyParts,
    /// The header section of the message or of a part.
    #[error("a header section is too large")]
    HeaderTooLarge,
    /// A delimiter with too many trailing blanks.
    #[error("a line between parts is too long")]
    DelimiterTooLong,
}

/// The converter of one message.
#[derive(Debug)]
pub struct Converter {
    state: State,
    structure: Structure,
    out: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// In the header section of the message.
    Root(HeaderLines),
    /// In the header section of a part, with the start of its current line.
    Header {
        held: Vec<u8>,
        line: usize,
    },
    Body(Body),
}

impl Default for Converter {
    fn default() -> Self {
        Self::new()
    }
}

impl Converter {
    /// Ready for the first octet of a message.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Root(HeaderLines::new()),
            structure: Structure::default(),
            out: Vec::new(),
        }
    }

    /// Takes the next octets of the message; returns converted octets.
    ///
    /// # Errors
    /// If the message cannot be converted; the converter is unusable afterwards.
    pub fn push(&mut self, piece: &[u8]) -> Result<&[u8], Unconvertible> {
        self.out.clear();
        self.take(piece)?;
        Ok(&self.out)
    }

    /// Ends the message; returns the last octets.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self) -> Result<&[u8], Unconvertible> {
        self.out.clear();
        match std::mem::replace(&mut self.state, State::Body(Body::text())) {
            State::Root(mut lines) => {
                lines.finish();
                self.end_header(lines.header(), false)?;
            }
            State::Header { held, line } => match self.structure.delimiter(&held[line..]) {
                Some(_) => {
                    self.end_header(&held[..line], false)?;
                    self.out.extend_from_slice(&held[line..]);
                }
                None => self.end_header(&held, false)?,
            },
            State::Body(mut body) => body.finish(&self.structure, &mut self.out),
        }
        Ok(&self.out)
    }

    fn take(&mut self, mut piece: &[u8]) -> Result<(), Unconvertible> {
        while !piece.is_empty() {
            let used = match &mut self.state {
                State::Root(_) => self.in_root(piece)?,
                State::Header { .. } => self.in_header(piece)?,
                State::Body(body) => {
                    let (used, found) = body.take(piece, &self.structure, &mut self.out)?;
                    if let Some(Found { hit, line }) = found {
                        self.begin_part(hit, &line)?;
                    }
                    used
                }
            };
            piece = &piece[used..];
        }
        Ok(())
    }

    fn in_root(&mut self, piece: &[u8]) -> Result<usize, Unconvertible> {
        let State::Root(lines) = &mut self.state else {
            return Ok(0);
        };
        let end = lines.push(piece);
        if lines.size() > MAX_HEADER {
            return Err(Unconvertible::HeaderTooLarge);
        }
        let Some(end) = end else {
            return Ok(piece.len());
        };
        let lines = std::mem::take(lines);
        self.end_header(lines.header(), true)?;
        // It may have begun in the previous piece.
        self.take(&end.text)?;
        Ok(end.taken)
    }

    fn in_header(&mut self, piece: &[u8]) -> Result<usize, Unconvertible> {
        let State::Header { held, line } = &mut self.state else {
            return Ok(0);
        };
        let end = memchr::memchr(b'\n', piece).map(|at| at + 1);
        let used = end.unwrap_or(piece.len());
        held.extend_from_slice(&piece[..used]);
        if held.len() > MAX_PART_HEADER {
            return Err(Unconvertible::HeaderTooLarge);
        }
        if end.is_none() {
            return Ok(used);
        }
        let current = &held[*line..];
        if matches!(current, b"\n" | b"\r\n") {
            let held = std::mem::take(held);
            self.end_header(&held, true)?;
        } else if let Some(hit) = self.structure.delimiter(current) {
            // The part ended within its header section.
            let current = held.split_off(*line);
            let held = std::mem::take(held);
            self.end_header(&held, false)?;
            self.begin_part(hit, &current)?;
        } else {
            *line = held.len();
        }
        Ok(used)
    }

    /// A header section is complete; a body may follow.
    fn end_header(&mut self, section: &[u8], has_body: bool) -> Result<(), Unconvertible> {
        let header = PartHeader::read(section, self.structure.in_digest());
        if header.is_binary && header.is_ambiguous {
            return Err(Unconvertible::Ambiguous);
        }
        if header.is_binary && self.structure.is_sealed() {
            return Err(Unconvertible::Sealed);
        }
        header.write(section, &mut self.out);
        if !has_body {
            self.state = State::Body(Body::text());
            return Ok(());
        }
        self.state = match self.structure.enter(&header)? {
            Inside::Parts => State::Body(Body::text()),
            Inside::Message => {
                self.structure.count()?;
                State::Header {
                    held: Vec::new(),
                    line: 0,
                }
            }
            Inside::Content if header.is_binary_leaf() => State::Body(Body::binary()),
            Inside::Content => State::Body(Body::text()),
        };
        Ok(())
    }

    /// A delimiter with its line break is complete.
    fn begin_part(&mut self, hit: Hit, line: &[u8]) -> Result<(), Unconvertible> {
        self.out.extend_from_slice(line);
        self.structure.leave(hit);
        self.state = if hit.closes {
            State::Body(Body::text())
        } else {
            self.structure.count()?;
            State::Header {
                held: Vec::new(),
                line: 0,
            }
        };
        Ok(())
    }
}
