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
    /// Of the header section. Each field costs work while who vouches for the message is looked into.
    TooManyFields,
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
    /// Octets that it may yet have: what is made of them is kept, and it is a third longer.
    left: u64,
}

impl BinaryMime {
    /// With lines of text of at most so many octets, and so many octets in all.
    pub(super) fn new(text_line: usize, size: u64) -> Self {
        Self {
            converter: Converter::new(),
            lines: TextLines::new(text_line),
            left: size,
        }
    }

    /// Takes the next octets; gives those that go on.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<&[u8], ContentError> {
        let text = self.converter.push(piece)?;
        self.lines.check(text);
        checked(&self.lines, &mut self.left, text)
    }

    /// The message has ended; gives the last octets.
    pub(super) fn finish(&mut self) -> Result<&[u8], ContentError> {
        let text = self.converter.finish()?;
        self.lines.check(text);
        self.lines.finish();
        checked(&self.lines, &mut self.left, text)
    }
}

fn checked<'a>(
    lines: &TextLines,
    left: &mut u64,
    text: &'a [u8],
) -> Result<&'a [u8], ContentError> {
    if let Some(fault) = lines.fault() {
        return Err(ContentError::Fault(fault));
    }
    *left = left
        .checked_sub(text.len() as u64)
        .ok_or(ContentError::Fault(Fault::TooLarge))?;
    Ok(text)
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
