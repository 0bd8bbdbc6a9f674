//! What is declared to be BINARYMIME becomes ordinary mail before anybody else sees it: the queue,
//! mailboxes and other servers know lines of text only, and so does the attachment screen, which so
//! looks at what readers will see. What vouches for the message (DKIM) looks at the octets that came:
//! those are what was signed, if anything was (RFC 6376 §5.3 has signers encode first).

use api::intake::IntakeError;
use message::binary::{Converter, Unconvertible};
use smtp_protocol::Reply;
use smtp_protocol::server::{Fault, TextLines};

use crate::replies;

/// Why the octets of a message are refused.
#[derive(Debug)]
pub(super) enum ContentError {
    Intake(IntakeError),
    Unconvertible(Unconvertible),
    /// What was not binary is not lines of text either.
    Fault(Fault),
}

impl From<IntakeError> for ContentError {
    fn from(error: IntakeError) -> Self {
        Self::Intake(error)
    }
}

impl From<Unconvertible> for ContentError {
    fn from(error: Unconvertible) -> Self {
        Self::Unconvertible(error)
    }
}

/// A message that becomes ordinary mail as it comes.
pub(super) struct BinaryMime {
    converter: Converter,
    lines: TextLines,
}

impl BinaryMime {
    /// With lines of text of at most so many octets.
    pub(super) fn new(text_line: usize) -> Self {
        Self {
            converter: Converter::new(),
            lines: TextLines::new(text_line),
        }
    }

    /// Takes the next octets; gives those that go on.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<&[u8], ContentError> {
        let text = self.converter.push(piece)?;
        self.lines.check(text);
        checked(&self.lines, text)
    }

    /// The message has ended; gives the last octets.
    pub(super) fn finish(&mut self) -> Result<&[u8], ContentError> {
        let text = self.converter.finish()?;
        self.lines.check(text);
        self.lines.finish();
        checked(&self.lines, text)
    }
}

fn checked<'a>(lines: &TextLines, text: &'a [u8]) -> Result<&'a [u8], ContentError> {
    match lines.fault() {
        Some(fault) => Err(ContentError::Fault(fault)),
        None => Ok(text),
    }
}

/// The name of the verdict and the reply.
pub(super) fn refusal(why: Unconvertible) -> (&'static str, Reply) {
    match why {
        Unconvertible::Sealed => ("binary-sealed", replies::BINARY_SEALED),
        Unconvertible::HeaderTooLarge => ("header-too-large", replies::HEADER_TOO_LARGE),
        Unconvertible::Ambiguous
        | Unconvertible::NoBoundary
        | Unconvertible::TooDeep
        | Unconvertible::TooManyParts
        | Unconvertible::DelimiterTooLong => ("binary-unclear", replies::BINARY_UNCLEAR),
    }
}
