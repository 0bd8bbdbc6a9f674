//! Converts BINARYMIME to ordinary mail before anything else sees it. The queue, mailboxes and other servers
//! handle lines of text only, and so does the attachment screen, which then checks what readers will see.
//! DKIM checks the octets as received, since those were signed (RFC 6376 §5.3 has signers encode first).

use intake::IntakeError;
use message::binary::{Converter, Unconvertible};
use smtp_protocol::Reply;
use smtp_protocol::server::{Fault, TextLines};

use crate::replies;

/// Why the content of a message is refused.
#[derive(Debug)]
pub(super) enum ContentError {
    Intake(IntakeError),
    Unconvertible(Unconvertible),
    /// Content not declared as binary that is not lines of text.
    Fault(Fault),
    /// The header section has too many fields. Each costs work in the authentication checks.
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

/// A message that is converted as it arrives.
pub(super) struct BinaryMime {
    converter: Converter,
    lines: TextLines,
    /// Octets left of its limit. The converted text, which is a third longer, counts.
    left: u64,
}

impl BinaryMime {
    /// A conversion with these limits: octets of a line of text, and octets in total.
    pub(super) fn new(text_line: usize, size: u64) -> Self {
        Self {
            converter: Converter::new(),
            lines: TextLines::new(text_line),
            left: size,
        }
    }

    /// Takes the next octets; returns converted ones.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<&[u8], ContentError> {
        let text = self.converter.push(piece)?;
        self.lines.check(text);
        checked(&self.lines, &mut self.left, text)
    }

    /// Ends the message; returns the last converted octets.
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

/// The name of the verdict, and the reply.
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
