//! Splits a message into header sections, bodies and the lines between parts, without nesting: a part
//! extends from one delimiter to the next, at every depth. All octets are passed on in order.

use memchr::{memchr, memmem};

use super::delimiters::{Delimiter, Delimiters, MAX_LINE};
use super::finding::Blocked;
use super::header::PartHeader;
use crate::{HeaderLines, MAX_HEADER, MAX_PARTS};

/// The receiver of the pieces.
pub(super) trait Sink {
    /// A whole header section, with its final empty line if there is one.
    fn header(&mut self, raw: &[u8], header: PartHeader) -> Result<(), Blocked>;
    /// The next octets of the body after the last header section.
    fn body(&mut self, octets: &[u8]) -> Result<(), Blocked>;
    /// A line that begins a part, or its start.
    fn delimiter(&mut self, line: &[u8], delimiter: Delimiter) -> Result<(), Blocked>;
    /// More of a long delimiter line.
    fn delimiter_goes_on(&mut self, octets: &[u8]) -> Result<(), Blocked>;
}

/// The walk over a message.
#[derive(Debug)]
pub(super) struct Walk {
    state: State,
    /// The header section so far; in a body the start of a possible delimiter line.
    held: Vec<u8>,
    delimiters: Delimiters,
    parts: usize,
    /// The message's header section in progress.
    root: Option<HeaderLines>,
    /// The header section is that of an encoded message. Messages must not be encoded (RFC 2045 §6.4), and
    /// some clients do not decode it.
    is_encoded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the header section of the stored message, which ends where the scanner says.
    Root,
    /// In another header section, with the start of its current line. It continues to an empty line, since
    /// some clients skip lines that are no field, and some look for fields after them.
    Header {
        line: usize,
    },
    LineStart,
    WithinLine,
    DelimiterLine,
}

const TOO_MANY_PARTS: Blocked = Blocked::Unclear("it has more parts than are looked at");
const HEADER_TOO_LARGE: Blocked =
    Blocked::Unclear("a part has a header section larger than is looked at");

impl Walk {
    /// For a whole message, as it will be stored.
    pub(super) fn new() -> Self {
        Self {
            root: Some(HeaderLines::new()),
            ..Self::at(State::Root)
        }
    }

    /// For a message that is the content of a part.
    pub(super) fn of_message() -> Self {
        Self::at(State::Header { line: 0 })
    }

    fn at(state: State) -> Self {
        Self {
            state,
            held: Vec::new(),
            delimiters: Delimiters::default(),
            parts: 0,
            root: None,
            is_encoded: false,
        }
    }

    /// For the body of a multipart with a known header.
    pub(super) fn of_multipart(boundaries: &[Vec<u8>], digest: bool) -> Result<Self, Blocked> {
        let mut walk = Self::at(State::LineStart);
        walk.delimiters.open(boundaries, digest)?;
        Ok(walk)
    }

    /// Takes the next octets.
    pub(super) fn push(&mut self, mut piece: &[u8], sink: &mut impl Sink) -> Result<(), Blocked> {
        while !piece.is_empty() {
            let used = match self.state {
                State::Root => self.in_root(piece, sink)?,
                State::Header { line } => self.in_header(line, piece, sink)?,
                State::LineStart => self.at_line_start(piece, sink)?,
                State::WithinLine => self.within_line(piece, sink)?,
                State::DelimiterLine => self.in_delimiter(piece, sink)?,
            };
            piece = &piece[used..];
        }
        Ok(())
    }

    /// Ends the message.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> Result<(), Blocked> {
        self.finish_state(sink)?;
        self.delimiters.finish()
    }

    fn finish_state(&mut self, sink: &mut impl Sink) -> Result<(), Blocked> {
        match self.state {
            State::Root => {
                let mut root = self.root.take().unwrap_or_default();
                root.finish();
                self.end_root(root.header(), sink)
            }
            State::Header { line } => {
                let last = self.held.split_off(line.min(self.held.len()));
                match self.delimiter(&last)? {
                    Some(delimiter) => {
                        self.end_header(delimiter == Delimiter::Doubtful, sink)?;
                        sink.delimiter(&last, delimiter)
                    }
                    None => {
                        self.held.extend_from_slice(&last);
                        self.end_header(false, sink)
                    }
                }
            }
            State::LineStart => self.settle_line(sink),
            State::WithinLine | State::DelimiterLine => Ok(()),
        }
    }

    fn in_root(&mut self, piece: &[u8], sink: &mut impl Sink) -> Result<usize, Blocked> {
        let root = self.root.get_or_insert_default();
        let end = root.push(piece);
        if root.size() > MAX_HEADER {
            return Err(HEADER_TOO_LARGE);
        }
        let Some(end) = end else {
            return Ok(piece.len());
        };
        let root = self.root.take().unwrap_or_default();
        let header = root.header();
        // The scanner adds the empty line; only the original octets are passed on.
        let own = header.len() - if end.text.is_empty() { 0 } else { 2 };
        self.end_root(&header[..own], sink)?;
        // It may have begun in the previous piece.
        self.push(&end.text, sink)?;
        Ok(end.taken)
    }

    fn end_root(&mut self, header: &[u8], sink: &mut impl Sink) -> Result<(), Blocked> {
        self.held = header.to_vec();
        self.end_header(true, sink)
    }

    fn in_header(
        &mut self,
        line: usize,
        piece: &[u8],
        sink: &mut impl Sink,
    ) -> Result<usize, Blocked> {
        let end = memchr(b'\n', piece).map(|at| at + 1);
        let used = end.unwrap_or(piece.len());
        self.held.extend_from_slice(&piece[..used]);
        if self.held.len() > MAX_HEADER {
            return Err(HEADER_TOO_LARGE);
        }
        if end.is_none() {
            return Ok(used);
        }
        let current = &self.held[line..];
        if matches!(current, b"\n" | b"\r\n") {
            self.end_header(true, sink)?;
        } else if current.starts_with(b"--") {
            let current = current.to_vec();
            match self.delimiter(&current)? {
                Some(delimiter) => {
                    // The part ended within its header.
                    self.held.truncate(line);
                    self.end_header(delimiter == Delimiter::Doubtful, sink)?;
                    self.begin_part(&current, delimiter, sink)?;
                }
                None => self.next_header_line(line, sink)?,
            }
        } else {
            self.next_header_line(line, sink)?;
        }
        Ok(used)
    }

    fn next_header_line(&mut self, line: usize, sink: &mut impl Sink) -> Result<(), Blocked> {
        if self.is_encoded && line == 0 && !self.held.contains(&b':') {
            // Not a field yet: encoded data may be much longer than a header section.
            let text = std::mem::take(&mut self.held);
            self.body(&text, sink)?;
        }
        self.state = State::Header {
            line: self.held.len(),
        };
        Ok(())
    }

    fn body(&mut self, octets: &[u8], sink: &mut impl Sink) -> Result<(), Blocked> {
        self.delimiters.text(octets);
        sink.body(octets)
    }

    /// `has_body`: for some client the part goes on after its header section. A returned message is often
    /// truncated within it.
    fn end_header(&mut self, has_body: bool, sink: &mut impl Sink) -> Result<(), Blocked> {
        let raw = std::mem::take(&mut self.held);
        // If the previous part is both, it is the text of a message in a multipart.
        self.delimiters.text(&raw);
        let mut header = PartHeader::read(&raw, self.delimiters.in_digest());
        // Lines that are no fields are the body for some clients.
        if !has_body && HeaderLines::new().push(&raw).is_none() {
            header.unclear_body = None;
        }
        self.state = State::LineStart;
        if header.is_multipart {
            self.delimiters.open(&header.boundaries, header.is_digest)?;
        }
        self.is_encoded = header.is_message && header.encodings.any();
        if header.is_message {
            // Its body begins with the header section of the inner message.
            self.count_part()?;
            self.state = State::Header { line: 0 };
        }
        sink.header(&raw, header)
    }

    fn count_part(&mut self) -> Result<(), Blocked> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(TOO_MANY_PARTS);
        }
        Ok(())
    }

    /// Handles a line start of a body, possibly from the previous piece.
    fn at_line_start(&mut self, piece: &[u8], sink: &mut impl Sink) -> Result<usize, Blocked> {
        if self.held.is_empty() && (self.delimiters.none() || piece[0] != b'-') {
            self.state = State::WithinLine;
            return Ok(0);
        }
        let room = MAX_LINE.saturating_sub(self.held.len()).min(piece.len());
        let end = memchr(b'\n', &piece[..room]).map(|at| at + 1);
        let used = end.unwrap_or(room);
        self.held.extend_from_slice(&piece[..used]);
        let is_dull = self.held.len() > 1 && !self.held.starts_with(b"--");
        if end.is_some() || is_dull || self.held.len() >= MAX_LINE {
            self.settle_line(sink)?;
        }
        Ok(used)
    }

    /// Classifies the held start of a line.
    fn settle_line(&mut self, sink: &mut impl Sink) -> Result<(), Blocked> {
        let mut line = std::mem::take(&mut self.held);
        match self.delimiter(&line)? {
            Some(delimiter) => self.begin_part(&line, delimiter, sink)?,
            None if line.is_empty() => {}
            None => {
                self.body(&line, sink)?;
                self.state = if line.ends_with(b"\n") {
                    State::LineStart
                } else {
                    State::WithinLine
                };
            }
        }
        line.clear();
        if self.held.is_empty() {
            self.held = line;
        }
        Ok(())
    }

    fn delimiter(&mut self, line: &[u8]) -> Result<Option<Delimiter>, Blocked> {
        self.delimiters.read(&line[..line.len().min(MAX_LINE)])
    }

    fn begin_part(
        &mut self,
        line: &[u8],
        delimiter: Delimiter,
        sink: &mut impl Sink,
    ) -> Result<(), Blocked> {
        self.count_part()?;
        self.delimiters.begun();
        self.is_encoded = false;
        self.state = if line.ends_with(b"\n") {
            State::Header { line: 0 }
        } else {
            State::DelimiterLine
        };
        sink.delimiter(line, delimiter)
    }

    fn within_line(&mut self, piece: &[u8], sink: &mut impl Sink) -> Result<usize, Blocked> {
        let used = if self.delimiters.none() {
            piece.len()
        } else {
            memmem::find(piece, b"\n-").map_or(piece.len(), |at| at + 1)
        };
        if piece[..used].ends_with(b"\n") {
            self.state = State::LineStart;
        }
        self.body(&piece[..used], sink)?;
        Ok(used)
    }

    fn in_delimiter(&mut self, piece: &[u8], sink: &mut impl Sink) -> Result<usize, Blocked> {
        let end = memchr(b'\n', piece).map(|at| at + 1);
        let used = end.unwrap_or(piece.len());
        if end.is_some() {
            self.state = State::Header { line: 0 };
        }
        sink.delimiter_goes_on(&piece[..used])?;
        Ok(used)
    }
}
