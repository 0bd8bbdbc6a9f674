//! Protocol tests as written sessions.
//!
//! ```text
//! # RFC 5321 §4.1.1.1
//! S: 220 …
//! C: EHLO client.test
//! S: 250-…
//! S: 250 …
//! C- half a li
//! C: ne
//! S~ a line that ends without CRLF
//! X: an event of the test (Peer::event)
//! ```
//!
//! `C:` sends a line with CRLF, `C-` bytes without it. `S:` expects a line with CRLF, `S~` bytes without
//! it. In all of them `\r \n \t \0 \\ \xHH` are bytes; in `S:` and `S~` a `…` stands for any text within
//! the line. `#` and empty lines are skipped. Consecutive `C` lines are sent as one piece, as a pipelining
//! client would. The expected lines are compared with all output since then: missing output fails, and so
//! does additional output.

mod line;

#[cfg(test)]
mod tests;

use line::{Line, matches_line};

/// The tested peer: bytes in, bytes out.
pub trait Peer {
    /// Receives the client's bytes (none at the start) and returns the server's output.
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8>;

    /// An `X:` line, with a meaning defined by the test, such as the end of a TLS handshake or a committed
    /// message.
    fn event(&mut self, what: &str) -> Vec<u8> {
        panic!("this peer knows no event, and the transcript has `X: {what}`")
    }
}

impl<F: FnMut(&[u8]) -> Vec<u8>> Peer for F {
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self(bytes)
    }
}

/// The fragmentation of the client's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragmentation {
    /// Consecutive `C` lines in one piece.
    Whole,
    /// Single bytes.
    Bytes,
    /// Pieces of 1 to 16 bytes, from this seed.
    Pieces(u64),
}

impl Fragmentation {
    /// The fragmentations that every session must support.
    pub const ALL: [Self; 4] = [
        Self::Whole,
        Self::Bytes,
        Self::Pieces(1),
        Self::Pieces(0x5eed),
    ];

    fn cut<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let length = match self {
            Self::Whole => bytes.len(),
            Self::Bytes => 1,
            Self::Pieces(state) => {
                // An LCG is random enough to vary the cuts, and reproducible.
                *state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(*state >> 60).unwrap_or(0) + 1
            }
        };
        bytes.split_at(length.min(bytes.len()))
    }
}

/// A written session.
#[derive(Clone, Debug)]
pub struct Transcript {
    lines: Vec<(usize, Line)>,
}

impl Transcript {
    /// Parses a transcript.
    ///
    /// # Panics
    /// If a line is invalid.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|(n, line)| {
                (
                    n + 1,
                    Line::parse(line).unwrap_or_else(|| panic!("line {}: {line:?}", n + 1)),
                )
            })
            .collect();
        Self { lines }
    }

    /// Plays the session with a new peer for each fragmentation.
    pub fn run<P: Peer>(&self, mut fresh: impl FnMut() -> P) {
        for fragmentation in Fragmentation::ALL {
            self.run_once(&mut fresh(), fragmentation);
        }
    }

    /// Plays the session once.
    ///
    /// # Panics
    /// If the server's output differs.
    pub fn run_once<P: Peer>(&self, peer: &mut P, mut fragmentation: Fragmentation) {
        let mut said = peer.feed(b"");
        let mut unsent = Vec::new();
        for (number, line) in &self.lines {
            let place = format!("line {number}, {fragmentation:?}");
            if let Line::Send(bytes) = line {
                if unsent.is_empty() {
                    assert!(said.is_empty(), "{place}: not expected: {}", show(&said));
                }
                unsent.extend_from_slice(bytes);
                continue;
            }
            send(peer, &mut unsent, &mut said, &mut fragmentation);
            match line {
                Line::Event(what) => said.extend(peer.event(what)),
                Line::Expect { pattern, ended } => {
                    let got = take_line(&mut said, *ended).unwrap_or_else(|| {
                        panic!("{place}: expected {pattern:?}, got nothing more")
                    });
                    assert!(
                        matches_line(pattern, &got),
                        "{place}: expected {pattern:?}, got {}",
                        show(&got)
                    );
                }
                Line::Send(_) => {}
            }
        }
        send(peer, &mut unsent, &mut said, &mut fragmentation);
        assert!(
            said.is_empty(),
            "after the last line, {fragmentation:?}: not expected: {}",
            show(&said)
        );
    }
}

fn send<P: Peer>(
    peer: &mut P,
    unsent: &mut Vec<u8>,
    said: &mut Vec<u8>,
    fragmentation: &mut Fragmentation,
) {
    let mut rest = unsent.as_slice();
    while !rest.is_empty() {
        let (piece, after) = fragmentation.cut(rest);
        said.extend(peer.feed(piece));
        rest = after;
    }
    unsent.clear();
}

/// Takes a line without its CRLF, or everything.
fn take_line(said: &mut Vec<u8>, ended: bool) -> Option<Vec<u8>> {
    if !ended {
        return (!said.is_empty()).then(|| std::mem::take(said));
    }
    let end = said.windows(2).position(|pair| pair == b"\r\n")?;
    let mut line: Vec<u8> = said.drain(..end + 2).collect();
    line.truncate(end);
    Some(line)
}

fn show(bytes: &[u8]) -> String {
    format!("{:?}", bytes.escape_ascii().to_string())
}
