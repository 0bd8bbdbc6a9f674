//! The octets of a message: its lines, its end, and forbidden octets.
//!
//! Only CRLF ends a line and only CRLF.CRLF ends DATA (RFC 5321 §2.3.8, §4.1.1.4). Other servers could read
//! a message with a bare CR or LF differently ("SMTP smuggling"): it is read to its end and refused.
//! [`LineFeeds`] defines the treatment of a bare LF from a leniently treated peer. NUL is refused too (RFC
//! 5321 §2.4 with RFC 5322 §3.5). BINARYMIME content is not checked here: the driver converts it to text,
//! and applies the same checks to the result.

use memchr::memchr3;

use crate::Reply;

/// The reason for refusing a message's octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// LF without CR before it.
    BareLineFeed,
    /// CR without LF behind it.
    BareCarriageReturn,
    /// An octet 0.
    Nul,
    /// A line over [`Limits::text_line`](super::Limits::text_line).
    LineTooLong,
    /// More octets than [`Terms::size`](super::Terms::size).
    TooLarge,
}

impl Fault {
    /// A name for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::BareLineFeed => "bare-line-feed",
            Self::BareCarriageReturn => "bare-carriage-return",
            Self::Nul => "nul-octet",
            Self::LineTooLong => "text-line-too-long",
            Self::TooLarge => "message-too-large",
        }
    }

    /// The reply to the peer.
    pub fn reply(self) -> Reply {
        match self {
            Self::BareLineFeed => Reply::new(550, 6, 0, "Message holds a LF without CR"),
            Self::BareCarriageReturn => Reply::new(550, 6, 0, "Message holds a CR without LF"),
            Self::Nul => Reply::new(550, 6, 0, "Message holds a NUL octet"),
            Self::LineTooLong => Reply::new(550, 6, 0, "Message holds a line that is too long"),
            Self::TooLarge => Reply::new(552, 3, 4, "Message is too large"),
        }
    }
}

/// The treatment of a LF without CR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LineFeeds {
    /// A fault.
    #[default]
    Refused,
    /// The end of a line, which the driver completes. It never ends a message: the peer knows CRLF, and may
    /// relay text of strangers.
    Completed,
    /// The end of a line like CRLF: all commands of this session ended so.
    LineEnds,
}

/// Tracks the lines of a message across reads.
#[derive(Debug)]
pub struct TextLines {
    limit: usize,
    length: usize,
    after_cr: bool,
    line_feeds: LineFeeds,
    fault: Option<Fault>,
}

impl TextLines {
    /// For lines of at most `limit` octets, without CRLF.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            length: 0,
            after_cr: false,
            line_feeds: LineFeeds::default(),
            fault: None,
        }
    }

    /// Sets the treatment of a LF without CR.
    pub(super) fn with(self, line_feeds: LineFeeds) -> Self {
        Self { line_feeds, ..self }
    }

    /// The first fault, if any.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Advances past the next CRLF; `None` if there is none in `input`.
    fn end_of_line(&mut self, input: &[u8]) -> Option<usize> {
        let mut at = 0;
        if self.after_cr
            && let Some(&first) = input.first()
        {
            self.after_cr = false;
            if first == b'\n' {
                self.length = 0;
                return Some(1);
            }
            self.found(Fault::BareCarriageReturn);
        }
        while let Some(distance) = memchr3(b'\r', b'\n', 0, &input[at..]) {
            self.lengthen(distance);
            at += distance + 1;
            match (input[at - 1], input.get(at)) {
                (b'\r', Some(b'\n')) => {
                    self.length = 0;
                    return Some(at + 1);
                }
                (b'\r', Some(_)) => self.found(Fault::BareCarriageReturn),
                (b'\r', None) => self.after_cr = true,
                (b'\n', _) => match self.line_feeds {
                    LineFeeds::Refused => self.found(Fault::BareLineFeed),
                    LineFeeds::Completed => self.length = 0,
                    LineFeeds::LineEnds => {
                        self.length = 0;
                        return Some(at);
                    }
                },
                _ => self.found(Fault::Nul),
            }
        }
        self.lengthen(input.len() - at);
        None
    }

    /// Checks octets that are all content (BDAT).
    pub fn check(&mut self, mut input: &[u8]) {
        while let Some(length) = self.end_of_line(input) {
            input = &input[length..];
        }
    }

    /// Ends the message; a CR at its end has no LF.
    pub fn finish(&mut self) {
        if self.after_cr {
            self.found(Fault::BareCarriageReturn);
        }
    }

    fn lengthen(&mut self, octets: usize) {
        self.length = self.length.saturating_add(octets);
        if self.length > self.limit {
            self.found(Fault::LineTooLong);
        }
    }

    fn found(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}

/// The start of a DATA buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Octets of the message.
    Content(usize),
    /// Octets of the framing: a stuffed dot, a partial end.
    Framing(usize),
    /// The last octets of the end.
    End(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    LineStart,
    AfterDot,
    AfterDotCr,
    InLine,
}

/// Removes the dot-stuffing of DATA (RFC 5321 §4.5.2) and finds its end.
#[derive(Debug)]
pub(super) struct DotStuffed {
    state: State,
    pub(super) lines: TextLines,
}

impl DotStuffed {
    pub(super) fn new(lines: TextLines) -> Self {
        Self {
            state: State::LineStart,
            lines,
        }
    }

    /// Classifies the start of `input`, which must not be empty.
    pub(super) fn next(&mut self, input: &[u8]) -> Piece {
        match (self.state, input.first()) {
            (State::LineStart, Some(b'.')) => {
                self.state = State::AfterDot;
                return Piece::Framing(1);
            }
            (State::AfterDot, Some(b'\r')) => {
                self.state = State::AfterDotCr;
                return Piece::Framing(1);
            }
            (State::AfterDotCr, Some(b'\n')) => return Piece::End(1),
            (State::AfterDot, Some(b'\n')) if self.lines.line_feeds == LineFeeds::LineEnds => {
                return Piece::End(1);
            }
            (State::AfterDotCr, Some(_)) => self.lines.found(Fault::BareCarriageReturn),
            _ => {}
        }
        self.state = State::InLine;
        let mut at = 0;
        while let Some(length) = self.lines.end_of_line(&input[at..]) {
            at += length;
            if matches!(input.get(at), Some(b'.') | None) {
                self.state = State::LineStart;
                return Piece::Content(at);
            }
        }
        Piece::Content(input.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Content, fault, and the number of octets after the end.
    fn read(input: &[u8], step: usize) -> Option<(Vec<u8>, Option<Fault>, usize)> {
        read_with(input, step, LineFeeds::Refused)
    }

    fn read_with(
        input: &[u8],
        step: usize,
        line_feeds: LineFeeds,
    ) -> Option<(Vec<u8>, Option<Fault>, usize)> {
        let mut framing = DotStuffed::new(TextLines::new(10).with(line_feeds));
        let mut content = Vec::new();
        let mut at = 0;
        while at < input.len() {
            let seen = &input[at..input.len().min(at + step)];
            match framing.next(seen) {
                Piece::Content(n) => {
                    content.extend_from_slice(&seen[..n]);
                    at += n;
                }
                Piece::Framing(n) => at += n,
                Piece::End(n) => {
                    return Some((content, framing.lines.fault(), input.len() - at - n));
                }
            }
        }
        None
    }

    #[test]
    fn dots_are_taken_out_and_the_end_is_found_at_any_fragmentation() {
        let rows: &[(&[u8], &[u8], usize)] = &[
            (b".\r\n", b"", 0),
            (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", 6),
            (b"..\r\n...x\r\n.\r\n", b".\r\n..x\r\n", 0),
            (b".x\r\n.\r\n", b"x\r\n", 0),
            (b"\r\n\r\n.\r\n", b"\r\n\r\n", 0),
            (b"a.\r\n.\r\n", b"a.\r\n", 0),
            (b"0123456789\r\n.\r\n", b"0123456789\r\n", 0),
        ];
        for &(input, content, left) in rows {
            for step in 1..=input.len() {
                let expected = Some((content.to_vec(), None, left));
                assert_eq!(read(input, step), expected, "{input:?} by {step}");
            }
        }
    }

    #[test]
    fn no_other_line_end_ends_a_message() {
        let rows: &[(&[u8], Fault)] = &[
            (b"a\n.\n.\r\n\r\n.\r\n", Fault::BareLineFeed),
            (b"a\n.\r\nb\r\n.\r\n", Fault::BareLineFeed),
            (b"a\r\n.\nb\r\n.\r\n", Fault::BareLineFeed),
            (b"a\r.\rb\r\n.\r\n", Fault::BareCarriageReturn),
            (b"a\r\n.\rb\r\n.\r\n", Fault::BareCarriageReturn),
            (b"a\r\n.\r\r\n.\r\n", Fault::BareCarriageReturn),
            (b"a\r\r\n.\r\n", Fault::BareCarriageReturn),
            (b"a\0\r\n.\r\n", Fault::Nul),
            (b"0123456789a\r\n.\r\n", Fault::LineTooLong),
        ];
        for &(input, fault) in rows {
            for step in 1..=input.len() {
                let found = read(input, step).map(|(_, fault, left)| (fault, left));
                assert_eq!(found, Some((Some(fault), 0)), "{input:?} by {step}");
            }
        }
    }

    #[test]
    fn a_lf_alone_ends_the_message_only_of_a_peer_that_says_nothing_else() {
        let input = b"a\n.b\n.\nc\n..d\r\n..e\r\n.\r\nQUIT\r\n";
        let completed = b"a\n.b\n.\nc\n..d\r\n.e\r\n";
        let line_ends: &[u8] = b"a\nb\n";
        for step in 1..=input.len() {
            assert_eq!(
                read_with(input, step, LineFeeds::Completed),
                Some((completed.to_vec(), None, 6)),
                "{step}"
            );
            assert_eq!(
                read_with(input, step, LineFeeds::LineEnds),
                Some((line_ends.to_vec(), None, input.len() - 7)),
                "{step}"
            );
        }
        let fault = read_with(b"a\rb\n.\n", 100, LineFeeds::LineEnds).map(|read| read.1);
        assert_eq!(fault, Some(Some(Fault::BareCarriageReturn)));
    }

    #[test]
    fn a_chunk_may_end_between_cr_and_lf_but_a_message_may_not() {
        let mut lines = TextLines::new(10);
        lines.check(b"a\r");
        lines.check(b"\nb\r");
        assert_eq!(lines.fault(), None);
        lines.finish();
        assert_eq!(lines.fault(), Some(Fault::BareCarriageReturn));
    }
}
