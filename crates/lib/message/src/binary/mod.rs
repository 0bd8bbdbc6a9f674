//! Makes ordinary mail of a message that was declared BINARYMIME (RFC 3030 §3), while it passes, in
//! bounded memory: whoever comes behind sees lines of text, and the same content.
//!
//! ```text
//!   push(piece) ──▶ header sections ──▶ Content-Transfer-Encoding: binary becomes
//!                        │                 base64    of a leaf
//!                        │                 8bit      of a multipart or a message
//!                        └▶ bodies ─────▶ of a leaf that was binary: base64
//!                                         else: as they are
//! ```
//!
//! Parts are found as the scanner finds them, so that what is taken apart here comes together there.
//! What cannot be changed without changing its meaning is told ([`Unconvertible`]), never guessed.
//! Octets outside of binary leaves pass as they are: that they are lines of text is for the caller to
//! see, since mail that is not binary is held to that too.

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

/// The header section of a part.
const MAX_PART_HEADER: usize = 64 * 1024;

/// Why a message cannot be made ordinary mail.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Unconvertible {
    /// A signature would break, or what is encrypted.
    #[error("a part that is binary lies in a multipart/signed or multipart/encrypted")]
    Sealed,
    /// Two fields where one may be, and one of them says "binary".
    #[error("a part that is binary says twice what it is")]
    Ambiguous,
    /// Where its parts end cannot be told.
    #[error("a multipart that is binary has no boundary that could be one")]
    NoBoundary,
    /// What lies deeper would not be seen.
    #[error("its parts lie deeper within each other than is looked at")]
    TooDeep,
    /// More than the scanner tells apart.
    #[error("it has more parts than are told apart")]
    TooManyParts,
    /// The message's, or that of a part.
    #[error("a header section is too large")]
    HeaderTooLarge,
    /// It goes on and on with blanks.
    #[error("a line between parts is too long")]
    DelimiterTooLong,
}

/// See the module.
#[derive(Debug)]
pub struct Converter {
    place: Place,
    structure: Structure,
    out: Vec<u8>,
}

#[derive(Debug)]
enum Place {
    /// In the header section of the message.
    Root(HeaderLines),
    /// In one of a part; the current line starts there.
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
            place: Place::Root(HeaderLines::new()),
            structure: Structure::default(),
            out: Vec::new(),
        }
    }

    /// Takes the next octets of the message; gives those of the ordinary mail that are known.
    ///
    /// # Errors
    /// When there is no such mail; the converter is of no use afterwards.
    pub fn push(&mut self, piece: &[u8]) -> Result<&[u8], Unconvertible> {
        self.out.clear();
        self.take(piece)?;
        Ok(&self.out)
    }

    /// The message has ended; gives the last octets.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self) -> Result<&[u8], Unconvertible> {
        self.out.clear();
        match std::mem::replace(&mut self.place, Place::Body(Body::text())) {
            Place::Root(mut lines) => {
                lines.finish();
                self.end_header(lines.header(), false)?;
            }
            Place::Header { held, line } => match self.structure.delimiter(&held[line..]) {
                Some(_) => {
                    self.end_header(&held[..line], false)?;
                    self.out.extend_from_slice(&held[line..]);
                }
                None => self.end_header(&held, false)?,
            },
            Place::Body(mut body) => body.finish(&self.structure, &mut self.out),
        }
        Ok(&self.out)
    }

    fn take(&mut self, mut piece: &[u8]) -> Result<(), Unconvertible> {
        while !piece.is_empty() {
            let used = match &mut self.place {
                Place::Root(_) => self.in_root(piece)?,
                Place::Header { .. } => self.in_header(piece)?,
                Place::Body(body) => {
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
        let Place::Root(lines) = &mut self.place else {
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
        // It may have begun in the piece before.
        self.take(&end.text)?;
        Ok(end.taken)
    }

    fn in_header(&mut self, piece: &[u8]) -> Result<usize, Unconvertible> {
        let Place::Header { held, line } = &mut self.place else {
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
            // The part has ended within its header section.
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
            self.place = Place::Body(Body::text());
            return Ok(());
        }
        self.place = match self.structure.enter(&header)? {
            Inside::Parts => Place::Body(Body::text()),
            Inside::Message => {
                self.structure.count()?;
                Place::Header {
                    held: Vec::new(),
                    line: 0,
                }
            }
            Inside::Content if header.is_binary_leaf() => Place::Body(Body::binary()),
            Inside::Content => Place::Body(Body::text()),
        };
        Ok(())
    }

    /// A delimiter has been read, line break included.
    fn begin_part(&mut self, hit: Hit, line: &[u8]) -> Result<(), Unconvertible> {
        self.out.extend_from_slice(line);
        self.structure.leave(hit);
        self.place = if hit.closes {
            Place::Body(Body::text())
        } else {
            self.structure.count()?;
            Place::Header {
                held: Vec::new(),
                line: 0,
            }
        };
        Ok(())
    }
}
