//! Finds unwanted attachments while the message passes, in bounded memory.
//!
//! ```text
//!   push(piece) ──▶ Walk: headers, bodies, delimiters ──▶ Sieve ──▶ octets that pass
//!                                                          │  names and types of each header
//!                                                          └▶ Content: transfer decoding,
//!                                                             magic numbers, names within ZIP,
//!                                                             uuencode
//! ```
//!
//! The scanner reads a message as the standards require. Here it is read as *any* client might: what the
//! most lenient one could show as an attachment counts as one. Hence
//!
//! - every Content-Type, every `filename` and `name`, in every spelling, counts, not only the first;
//! - a line that begins with any boundary declared so far begins a part, and if the standard says
//!   otherwise, the previous part is inspected further too ([`walk`]);
//! - content is inspected under every possible reading of its transfer encoding;
//! - files with a message's name are inspected as messages.
//!
//! Ambiguous messages are refused ([`Blocked::Unclear`]), never passed: a multipart with a boundary that
//! clients may read differently, an unknown transfer encoding, an archive nested too deeply. Not inspected
//! are encrypted content, opaque S/MIME signatures, TNEF, and archives other than ZIP: these are found only
//! by their own type.

mod awaited;
mod content;
mod delimiters;
mod encodings;
mod finding;
mod header;
mod inspect;
mod magic;
mod names;
mod note;
mod parameters;
mod sections;
mod sieve;
mod uuencode;
mod walk;
mod words;
mod zip;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use finding::{Blocked, Finding, Seen};
use sieve::Sieve;
use walk::Walk;

/// The rules for attachments.
pub trait Blocklist: Send + Sync {
    /// The pattern that blocks a file of this name.
    fn name(&self, name: &str) -> Option<String>;
    /// The pattern that blocks content of this lower-case `type/subtype`.
    fn media_type(&self, media_type: &str) -> Option<String>;
}

/// The action for a message with a blocked attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The message is refused.
    Refuse,
    /// The attachment is replaced by a note. If that is not possible without damage, the message is
    /// refused: see [`Screen`].
    Strip,
    /// The message passes unchanged, and the finding is reported: [`Screen::found`].
    Tell,
}

/// Octets of a part that are held back until it is known to pass. A finding after that many octets is too
/// late for a removal.
pub const MAX_HELD: usize = 1024 * 1024;

/// Screens one message.
///
/// With [`Action::Strip`] a message is still refused when the blocked attachment
/// - lies in a `multipart/signed`, whose signature would break;
/// - is itself a multipart or a message, whose parts would be left without a parent;
/// - is uuencoded within a text, or in a message whose parts can be read in more than one way;
/// - is found only after [`MAX_HELD`] octets of its part.
pub struct Screen {
    walk: Walk,
    sieve: Sieve,
    action: Action,
    found: Option<Blocked>,
}

impl Screen {
    /// For one message.
    #[must_use]
    pub fn new(blocklist: Arc<dyn Blocklist>, action: Action) -> Self {
        Self {
            walk: Walk::new(),
            sieve: Sieve::new(blocklist, action),
            action,
            found: None,
        }
    }

    /// Takes the next octets of the message, header section first; returns the octets that pass.
    ///
    /// # Errors
    /// If the message is refused; the screen is unusable afterwards.
    pub fn push<'a>(&'a mut self, piece: &'a [u8]) -> Result<&'a [u8], Blocked> {
        if self.found.is_some() {
            return Ok(piece);
        }
        self.sieve.begin();
        let walked = self.walk.push(piece, &mut self.sieve);
        self.judge(walked)?;
        Ok(self.sieve.passed().unwrap_or(piece))
    }

    /// Ends the message; returns the last octets that pass.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self) -> Result<&[u8], Blocked> {
        if self.found.is_some() {
            return Ok(&[]);
        }
        self.sieve.begin();
        let walked = self.walk.finish(&mut self.sieve);
        let walked = walked.and_then(|()| self.sieve.finish());
        self.judge(walked)?;
        Ok(self.sieve.passed().unwrap_or_default())
    }

    /// One finding is enough: inspection stops there.
    fn judge(&mut self, walked: Result<(), Blocked>) -> Result<(), Blocked> {
        match walked {
            Err(blocked) if self.action == Action::Tell => self.found = Some(blocked),
            walked => walked?,
        }
        Ok(())
    }

    /// The reason why a passing message is not accepted as it is: with [`Action::Tell`].
    #[must_use]
    pub fn found(&self) -> Option<&Blocked> {
        self.found.as_ref()
    }

    /// The attachments removed so far.
    #[must_use]
    pub fn removed(&self) -> &[Finding] {
        self.sieve.removed()
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}
