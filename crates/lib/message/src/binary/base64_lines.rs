//! Incremental base64 encoder (RFC 2045 §6.8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Octets of a line of 76 characters.
const OCTETS: usize = 57;
const LINE: usize = OCTETS / 3 * 4;

/// Lines of base64, separated by line breaks, without one at the end.
#[derive(Debug, Default)]
pub(super) struct Base64Lines {
    /// The start of a line.
    pending: Vec<u8>,
    begun: bool,
}

impl Base64Lines {
    pub(super) fn push(&mut self, mut octets: &[u8], out: &mut Vec<u8>) {
        if !self.pending.is_empty() {
            let room = (OCTETS - self.pending.len()).min(octets.len());
            self.pending.extend_from_slice(&octets[..room]);
            octets = &octets[room..];
            if self.pending.len() < OCTETS {
                return;
            }
            let line = std::mem::take(&mut self.pending);
            self.line(&line, out);
        }
        let mut lines = octets.chunks_exact(OCTETS);
        for line in lines.by_ref() {
            self.line(line, out);
        }
        self.pending.extend_from_slice(lines.remainder());
    }

    /// Ends the content; true if there was any.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.pending.is_empty() {
            let line = std::mem::take(&mut self.pending);
            self.line(&line, out);
        }
        self.begun
    }

    fn line(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(b"\r\n");
        }
        let mut line = [0; LINE];
        // It fits: a line has at most this many octets.
        let length = STANDARD.encode_slice(octets, &mut line).unwrap_or(0);
        out.extend_from_slice(&line[..length]);
    }
}
