//! Parses the text of a message line by line and finds its parts.

use memchr::{memchr, memchr_iter};

use super::{MAX_DEPTH, MAX_PARTS};
use crate::header::fields;
use crate::mime::{Boundaries, Hit, MimeFields, Node, Tree};
use crate::wire::{EnvelopeFields, envelope};

/// Longer lines of part headers are skipped, and longer lines are no boundary.
const MAX_LINE: usize = 64 * 1024;
/// Maximum size of one part header; further lines are skipped.
const MAX_PART_HEADER: usize = 64 * 1024;
/// Maximum size of all part headers together; fields after that are ignored.
const MAX_PART_HEADERS: usize = 1024 * 1024;

/// Maximum size of the strings of all parts and the envelopes of inner messages in a structure. Beyond it
/// parts have only their type, and inner messages are opaque.
const MAX_STRINGS: usize = 320 * 1024;
/// Maximum octets of addresses in the ENVELOPE of one inner message.
const MAX_NESTED_ENVELOPE: usize = 16 * 1024;

/// The parser of the text.
#[derive(Debug)]
pub(super) struct Walker {
    tree: Tree,
    /// The open parts, outermost first; the last one contains the current line.
    open: Vec<usize>,
    boundaries: Boundaries,
    state: State,
    /// The lines of the part header in progress.
    part_header: Vec<u8>,
    /// Octets left for part headers.
    header_budget: usize,
    /// Octets left for strings of structures.
    string_budget: usize,
    /// The start of a line that continues in the next piece.
    held: Vec<u8>,
    /// The rest of the current line is irrelevant.
    skipping: bool,
    offset: u64,
    line_start: u64,
    breaks: u64,
    last_octet: u8,
    /// Octets of the line break before the current line, and whether that line was empty.
    break_before: u64,
    empty_before: bool,
}

/// The kind of the current lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Body,
}

impl Walker {
    /// Starts after the header section of a message.
    pub(super) fn new(header: &[u8]) -> Self {
        let size = header.len() as u64;
        let mut walker = Self {
            tree: Tree::default(),
            open: Vec::new(),
            boundaries: Boundaries::default(),
            state: State::Body,
            part_header: Vec::new(),
            header_budget: MAX_PART_HEADERS,
            string_budget: MAX_STRINGS,
            held: Vec::new(),
            skipping: false,
            offset: size,
            line_start: size,
            breaks: 0,
            last_octet: b'\n',
            break_before: 0,
            empty_before: true,
        };
        walker.open_part(0);
        walker.enter_body(header, size);
        walker
    }

    /// Octets of the message so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether further octets can change the result.
    pub(super) fn needs_text(&self) -> bool {
        self.state != State::Body || !self.boundaries.is_empty()
    }

    /// Replaces a whole text whose octets do not matter.
    pub(super) fn skip(&mut self, octets: u64, lines: u64) {
        self.offset += octets;
        self.breaks += lines;
        self.last_octet = b'\n';
    }

    /// Takes the next piece of the text.
    pub(super) fn push(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            if self.state == State::Body && self.boundaries.is_empty() {
                return self.count(piece);
            }
            let Some(at) = memchr(b'\n', piece) else {
                return self.hold(piece);
            };
            let (line, rest) = piece.split_at(at + 1);
            self.line(line);
            piece = rest;
        }
    }

    /// Only the end can follow: lines are only counted.
    fn count(&mut self, piece: &[u8]) {
        self.breaks += memchr_iter(b'\n', piece).count() as u64;
        self.offset += piece.len() as u64;
        self.last_octet = piece.last().copied().unwrap_or(self.last_octet);
        self.held.clear();
    }

    /// Keeps the start of a line, if it can matter.
    fn hold(&mut self, piece: &[u8]) {
        self.offset += piece.len() as u64;
        self.last_octet = piece.last().copied().unwrap_or(self.last_octet);
        if self.skipping {
            return;
        }
        let room = (MAX_LINE + 1).saturating_sub(self.held.len());
        self.held.extend_from_slice(&piece[..piece.len().min(room)]);
        let dull = self.state == State::Body
            && !matches!(self.held.as_slice(), [] | [b'-' | b'\r'] | [b'-', b'-', ..]);
        if dull || self.held.len() > MAX_LINE {
            self.skipping = true;
            self.held.clear();
        }
    }

    /// Ends a line; `end` is the part that was not held, with its LF.
    fn line(&mut self, end: &[u8]) {
        let before_break = match end {
            [.., octet, b'\n'] => *octet,
            _ => self.last_octet,
        };
        let break_size = 1 + u64::from(before_break == b'\r' && !self.line_is_new(end));
        let start = self.line_start;
        self.offset += end.len() as u64;
        self.line_start = self.offset;
        self.last_octet = b'\n';
        let breaks_before = self.breaks;
        self.breaks += 1;
        let empty = self.offset - start == break_size;

        if std::mem::take(&mut self.skipping) {
            // An irrelevant line.
        } else if self.held.is_empty() {
            self.look(end, start, breaks_before);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(end);
            self.look(&held, start, breaks_before);
            held.clear();
            self.held = held;
        }
        self.break_before = break_size;
        self.empty_before = empty;
    }

    /// Whether the line consists only of its LF: then the previous octet belongs to another line.
    fn line_is_new(&self, end: &[u8]) -> bool {
        end.len() == 1 && self.offset == self.line_start
    }

    /// Handles a whole line, with its line break if there is one.
    fn look(&mut self, line: &[u8], start: u64, breaks_before: u64) {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        if content.len() >= MAX_LINE {
            return;
        }
        if let Some(hit) = self.boundaries.matches(content) {
            if !hit.closes && self.tree.len() >= MAX_PARTS {
                // One part too many: the rest belongs to the open part.
                return self.boundaries.clear();
            }
            return self.boundary(hit, start, breaks_before);
        }
        if self.state == State::Body {
            return;
        }
        if content.is_empty() && !line.is_empty() {
            let header = std::mem::take(&mut self.part_header);
            self.enter_body(&header, self.offset);
            return;
        }
        if self.part_header.len() + line.len() <= MAX_PART_HEADER.min(self.header_budget) {
            self.part_header.extend_from_slice(line);
        }
    }

    /// A boundary of the open part at `hit.depth`: inner parts end before the line break that precedes this
    /// line.
    fn boundary(&mut self, hit: Hit, start: u64, breaks_before: u64) {
        let end = start - self.break_before;
        let unended_line = !self.empty_before;
        self.close_to(hit.depth + 1, |part| {
            let end = end.max(part.body_start);
            let breaks = breaks_before.saturating_sub(part.breaks_before);
            let lines = match breaks {
                0 => 0,
                breaks => breaks - 1 + u64::from(unended_line),
            };
            (end, lines)
        });
        self.state = State::Body;
        if hit.closes {
            self.boundaries.drop_from(hit.depth);
        } else {
            self.open_part(self.offset);
        }
    }

    /// Opens a part (or the message inside a message/rfc822) within the innermost open one.
    fn open_part(&mut self, header_start: u64) {
        let mime = MimeFields::default().read(false);
        let parent = self.open.last().copied();
        let index = self.tree.add(parent, Node::new(header_start, mime));
        self.open.push(index);
        self.state = State::Header;
        self.part_header.clear();
    }

    /// Ends the header of the innermost open part; its body starts at `body_start`.
    fn enter_body(&mut self, header: &[u8], body_start: u64) {
        self.state = State::Body;
        if self.open.len() > 1 {
            self.header_budget = self.header_budget.saturating_sub(header.len());
        }
        let (mime_fields, envelope_fields) = self.read_fields(header);
        let mime = mime_fields.read(self.in_digest());
        let is_message_root = self.is_message_root();
        let breaks = self.breaks;
        let Some((&index, outer)) = self.open.split_last() else {
            return;
        };
        if let Some(outer) = outer.last().filter(|_| is_message_root)
            && let Some(message) = self.tree.node_mut(*outer)
        {
            let mut wire = Vec::new();
            let room = self.string_budget.min(MAX_NESTED_ENVELOPE);
            envelope(&envelope_fields, room, &mut wire);
            self.string_budget = self.string_budget.saturating_sub(wire.len());
            message.nested_envelope = Some(wire);
        }
        let depth = self.open.len();
        let room = depth < MAX_DEPTH && self.tree.len() < MAX_PARTS && self.string_budget > 0;
        let Some(part) = self.tree.node_mut(index) else {
            return;
        };
        part.body_start = body_start;
        part.breaks_before = breaks;
        part.mime = mime;
        let is_multipart = part.mime.media_type.is("multipart", "*");
        let is_message = is_message(part);
        if (is_multipart || is_message) && !room {
            part.mime.degrade(b"application", b"octet-stream");
        } else if is_message {
            // A placeholder, replaced after the inner header.
            part.nested_envelope = Some(Vec::new());
            self.open_part(body_start);
        } else if is_multipart {
            match part.mime.boundary() {
                Some(boundary) => {
                    self.boundaries.add(boundary, depth - 1);
                    part.has_boundary = true;
                }
                None => part.mime.degrade(b"text", b"plain"),
            }
        }
        self.charge(index);
    }

    /// Charges a part's strings to the budget, or drops them.
    fn charge(&mut self, index: usize) {
        let Some(part) = self.tree.node_mut(index) else {
            return;
        };
        let weight = part.mime.weight();
        if weight <= self.string_budget {
            self.string_budget -= weight;
        } else {
            self.string_budget = 0;
            part.mime.keep_type();
        }
    }

    fn read_fields<'a>(&self, header: &'a [u8]) -> (MimeFields<'a>, EnvelopeFields<'a>) {
        let mut mime = MimeFields::default();
        let mut envelope = EnvelopeFields::default();
        let wants_envelope = self.is_message_root();
        for field in fields(header) {
            mime.take(&field);
            if wants_envelope {
                envelope.take(&field);
            }
        }
        (mime, envelope)
    }

    /// Whether the innermost open part is the body of a message inside a message/rfc822.
    fn is_message_root(&self) -> bool {
        self.parent().is_some_and(Node::is_message)
    }

    fn in_digest(&self) -> bool {
        self.parent()
            .is_some_and(|parent| parent.mime.media_type.is("multipart", "digest"))
    }

    fn parent(&self) -> Option<&Node> {
        let at = self.open.len().checked_sub(2)?;
        self.tree.node(*self.open.get(at)?)
    }

    /// Closes open parts until `depth` of them are left; `end_of` returns the end and the lines of a part.
    fn close_to(&mut self, depth: usize, end_of: impl Fn(&Node) -> (u64, u64)) {
        // An inner message may end after the delimiter's own line break, which is its empty line. The
        // containing part ends no earlier.
        let mut inner_end = 0;
        while self.open.len() > depth {
            if self.state == State::Header {
                // It ends within its header: there is no body.
                let header = std::mem::take(&mut self.part_header);
                let at = self.header_cut(&end_of);
                self.enter_body(&header, at);
                continue;
            }
            if let Some(part) = self.open.pop().and_then(|at| self.tree.node_mut(at)) {
                (part.end, part.lines) = end_of(part);
                part.end = part.end.max(inner_end);
                inner_end = part.end;
                if part.has_boundary && part.children.is_empty() {
                    part.mime.degrade(b"text", b"plain");
                    part.has_boundary = false;
                }
            }
            self.boundaries.drop_from(self.open.len());
        }
    }

    /// The start of the body of a part that ends within its header.
    fn header_cut(&self, end_of: impl Fn(&Node) -> (u64, u64)) -> u64 {
        self.open
            .last()
            .and_then(|&at| self.tree.node(at))
            .map_or(self.offset, |part| end_of(part).0)
    }

    /// Ends the message; returns its parts, and the lines of its text.
    pub(super) fn finish(mut self) -> (Tree, u64) {
        let unended = u64::from(self.last_octet != b'\n');
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() && !self.skipping {
            // A last line without a line break.
            self.look(&held, self.line_start, self.breaks);
        }
        let end = self.offset;
        let breaks = self.breaks;
        self.close_to(0, |part| {
            let lines = breaks.saturating_sub(part.breaks_before);
            let body = end > part.body_start;
            (end, if body { lines + unended } else { 0 })
        });
        (self.tree, breaks + unended)
    }
}

fn is_message(part: &Node) -> bool {
    part.mime.media_type.is("message", "rfc822") || part.mime.media_type.is("message", "global")
}
