//! Uuencoded files within a text: many clients show them as attachments.

use memchr::{memchr, memmem};

use crate::decode::TransferDecoder;

/// Maximum length of a line.
const MAX_LINE: usize = 1_024;

/// Finds the lines that begin a file, and decodes the following ones.
#[derive(Debug, Default)]
pub(super) struct Uuencoded {
    /// The start of a line that may begin a file, or belongs to one.
    held: Vec<u8>,
    within_line: bool,
    /// The current file.
    file: Option<Form>,
}

/// The form of a file.
#[derive(Debug)]
enum Form {
    Uuencode,
    Base64(TransferDecoder),
}

/// A finding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A file of this name begins.
    File(String),
    /// More octets of it.
    Octets(Vec<u8>),
}

impl Uuencoded {
    /// Inspects the next octets of the text.
    pub(super) fn push(&mut self, octets: &[u8], found: &mut Vec<Piece>) {
        // Nearly all text has none, and is skipped at the speed of a search.
        if self.file.is_none() && self.held.is_empty() && memmem::find(octets, BEGIN).is_none() {
            let last = octets.iter().rposition(|&byte| byte == b'\n');
            let tail = match last {
                Some(at) => &octets[at + 1..],
                None if self.within_line => return,
                None => octets,
            };
            self.within_line = false;
            return self.hold(tail);
        }
        let mut rest = octets;
        while let Some(at) = memchr(b'\n', rest) {
            self.hold(&rest[..at]);
            self.end_line(found);
            rest = &rest[at + 1..];
        }
        self.hold(rest);
    }

    /// Ends the text.
    pub(super) fn finish(&mut self, found: &mut Vec<Piece>) {
        self.end_line(found);
    }

    fn end_line(&mut self, found: &mut Vec<Piece>) {
        let mut held = std::mem::take(&mut self.held);
        if !std::mem::take(&mut self.within_line) {
            let line = held.strip_suffix(b"\r").unwrap_or(&held);
            if let Some(name) = name(line) {
                self.file = Some(if line.starts_with(BASE64) {
                    Form::Base64(TransferDecoder::new("base64"))
                } else {
                    Form::Uuencode
                });
                found.push(Piece::File(name));
            } else if matches!(line, b"end" | b"====") {
                self.file = None;
            } else if let Some(file) = &mut self.file {
                found.push(Piece::Octets(file.decoded(line)));
            }
        }
        held.clear();
        self.held = held;
    }

    fn hold(&mut self, octets: &[u8]) {
        if self.within_line || octets.is_empty() {
            return;
        }
        let room = MAX_LINE.saturating_sub(self.held.len()).min(octets.len());
        self.held.extend_from_slice(&octets[..room]);
        let known = self.held.len().min(BEGIN.len());
        if self.file.is_none() && self.held[..known] != BEGIN[..known] {
            self.within_line = true;
            self.held.clear();
        }
    }
}

impl Form {
    fn decoded(&mut self, line: &[u8]) -> Vec<u8> {
        let mut octets = Vec::new();
        match self {
            Self::Base64(decoder) => decoder.push(line, &mut octets),
            Self::Uuencode => {
                let Some((length, characters)) = line.split_first() else {
                    return octets;
                };
                let sextet = |at: usize, group: &[u8]| {
                    // Trailing blanks of a line may have been lost.
                    u32::from(group.get(at).copied().unwrap_or(b' ').wrapping_sub(b' ') & 63)
                };
                for group in characters.chunks(4) {
                    let bits = (0..4).fold(0, |bits, at| (bits << 6) | sextet(at, group));
                    octets.extend_from_slice(&bits.to_be_bytes()[1..]);
                }
                octets.truncate(usize::from(length.wrapping_sub(b' ') & 63));
            }
        }
        octets
    }
}

const BEGIN: &[u8] = b"begin";
const BASE64: &[u8] = b"begin-base64";

/// `begin 644 name` or `begin-base64 644 name`.
fn name(line: &[u8]) -> Option<String> {
    if !line.starts_with(BEGIN) {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    let mut words = text.splitn(3, ' ');
    let begin = words.next()?;
    if !matches!(begin, "begin" | "begin-base64") {
        return None;
    }
    let mode = words.next()?;
    if !(3..=5).contains(&mode.len()) || !mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return None;
    }
    Some(words.next()?.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_within_a_text_are_found_however_it_is_cut() {
        let text = b"Hello,\r\nbegin here\r\nxbegin 644 no.exe\r\nbegin 644 a b.exe\r\n#35J0\r\n\
                     end\r\nbegin-base64 0755 c.txt\r\nTVqQ\r\n====\r\nbegin 644 last.bin";
        for size in 1..text.len() {
            let mut uuencoded = Uuencoded::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                uuencoded.push(piece, &mut found);
            }
            uuencoded.finish(&mut found);
            let file = |name: &str| Piece::File(name.to_owned());
            let octets = |octets: &[u8]| Piece::Octets(octets.to_vec());
            let wanted = [
                file("a b.exe"),
                octets(b"MZ\x90"),
                file("c.txt"),
                octets(b"MZ\x90"),
                file("last.bin"),
            ];
            assert_eq!(found, wanted, "{size}");
        }
    }
}
