//! A message that a play is told of, from a file.

use std::fs::File;
use std::io;
use std::path::Path;

use message::HeaderLines;

use crate::commands::send::source::{CrlfReader, drop_separator};
use crate::failure::Failure;

/// Largest message that is read: it is held whole.
const MOST: usize = 256 << 20;

/// As it comes over the wire.
#[derive(Debug)]
pub(super) struct Message {
    octets: Vec<u8>,
    /// Where its text begins.
    text: usize,
}

impl Message {
    /// Reads it; - is standard input.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let read = if file == Path::new("-") {
            Self::of(io::stdin())
        } else {
            File::open(file).and_then(Self::of)
        };
        read.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
    }

    fn of(input: impl io::Read) -> io::Result<Self> {
        let mut reader = CrlfReader::new(input);
        let mut octets = Vec::new();
        while let Some(piece) = reader.next()? {
            octets.extend_from_slice(&piece);
            if octets.len() > MOST {
                let reason = "the message is too large to be explained";
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
        }
        drop_separator(&mut octets);
        let mut lines = HeaderLines::new();
        if lines.push(&octets).is_none() {
            lines.finish();
        }
        let text = lines.size().min(octets.len());
        Ok(Self { octets, text })
    }

    /// With the empty line.
    pub(super) fn header(&self) -> &[u8] {
        &self.octets[..self.text]
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.octets[self.text..]
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }
}
