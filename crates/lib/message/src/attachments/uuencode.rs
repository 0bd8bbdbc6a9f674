//! Files that are uuencoded within a text: many clients show them as attachments.

use memchr::{memchr, memmem};

/// Octets of a `begin` line.
const MAX_LINE: usize = 1_024;

/// Finds the lines that begin a file.
#[derive(Debug, Default)]
pub(super) struct Uuencoded {
    /// The start of a line that may be one.
    held: Vec<u8>,
    within_line: bool,
}

impl Uuencoded {
    /// Takes the next octets of the text; gives the names of the files that begin in them.
    pub(super) fn push(&mut self, octets: &[u8], found: &mut Vec<String>) {
        // Nearly all text has none, and is passed over at the speed of a search.
        if self.held.is_empty() && memmem::find(octets, BEGIN).is_none() {
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
            if !self.within_line {
                found.extend(name(&self.held));
            }
            self.held.clear();
            self.within_line = false;
            rest = &rest[at + 1..];
        }
        self.hold(rest);
    }

    /// The text has ended.
    pub(super) fn finish(&mut self, found: &mut Vec<String>) {
        found.extend(name(&self.held));
        self.held.clear();
    }

    fn hold(&mut self, octets: &[u8]) {
        if self.within_line || octets.is_empty() {
            return;
        }
        let room = MAX_LINE.saturating_sub(self.held.len()).min(octets.len());
        self.held.extend_from_slice(&octets[..room]);
        let known = self.held.len().min(BEGIN.len());
        if self.held[..known] != BEGIN[..known] {
            self.within_line = true;
            self.held.clear();
        }
    }
}

const BEGIN: &[u8] = b"begin";

/// `begin 644 name` or `begin-base64 644 name`.
fn name(line: &[u8]) -> Option<String> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
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
        let text = b"Hello,\r\nbegin here\r\nxbegin 644 no.exe\r\nbegin 644 a b.exe\r\nM35J0\r\n\
                     end\r\nbegin-base64 0755 c.txt\r\n====\r\nbegin 644 last.bin";
        for size in 1..text.len() {
            let mut uuencoded = Uuencoded::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                uuencoded.push(piece, &mut found);
            }
            uuencoded.finish(&mut found);
            assert_eq!(found, ["a b.exe", "c.txt", "last.bin"], "{size}");
        }
    }
}
