//! Finding attachments that are not wanted, while the message passes, in bounded memory.
//!
//! ```text
//!   push(piece) ──▶ Walk: headers, bodies, delimiters ──▶ Sieve ──▶ what passes on
//!                                                          │  names and types of each header
//!                                                          └▶ Eyes: transfer encoding taken away,
//!                                                             magic numbers, names within ZIP,
//!                                                             uuencode
//! ```
//!
//! The scanner beside this reads a message as a client ought to. Here it is read as *any* client
//! might: what a sloppy one could show as an attachment counts as one. Hence
//!
//! - every Content-Type, every `filename` and `name`, in every spelling, counts, not only the first;
//! - a line that begins with a boundary that was ever declared begins a part, and where that is
//!   not what the standard says, the part before goes on being looked at as well ([`walk`]);
//! - content is looked at under every transfer encoding that a header can be read to say;
//! - files that are called messages are looked through as messages.
//!
//! What cannot be told is refused ([`Blocked::Unclear`]), never passed: a multipart of which a client
//! may know another boundary, a transfer encoding that is not known, an archive too deep in others. Not looked into are what
//! is encrypted, S/MIME's opaque signatures, TNEF, and archives other than ZIP: those are found by
//! their own type alone.

mod content;
mod delimiters;
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
mod zip;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use finding::{Blocked, Finding, Seen};
use sieve::Sieve;
use walk::Walk;

/// The rules that attachments are held against.
pub trait Blocklist: Send + Sync {
    /// The pattern that blocks a file of this name.
    fn name(&self, name: &str) -> Option<String>;
    /// The pattern that blocks content of this lower-case `type/subtype`.
    fn media_type(&self, media_type: &str) -> Option<String>;
}

/// What becomes of a message with a blocked attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is refused.
    Refuse,
    /// The attachment is taken out and a note left in its place. The message is refused all the
    /// same where that cannot be done without harm: see [`Screen`].
    Strip,
    /// It passes whole, and what is found is told: [`Screen::found`].
    Tell,
}

/// Octets of a part that are held back until it is clear that it may pass. What is found in a
/// longer one behind that comes too late to be taken out.
pub const MAX_HELD: usize = 1024 * 1024;

/// Looks through one message.
///
/// With [`Action::Strip`] a message is still refused when the blocked attachment
/// - lies in a `multipart/signed`, whose signature would break;
/// - is itself a multipart or a message, whose parts would be left without a parent;
/// - is uuencoded within a text, or in a message whose parts can be read in more than one way;
/// - shows itself only behind [`MAX_HELD`] octets of its part.
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

    /// Takes the next octets of the message, header section first; gives those that pass on.
    ///
    /// # Errors
    /// When the message is not wanted; the screen is of no use afterwards.
    pub fn push<'a>(&'a mut self, piece: &'a [u8]) -> Result<&'a [u8], Blocked> {
        if self.found.is_some() {
            return Ok(piece);
        }
        self.sieve.begin();
        let walked = self.walk.push(piece, &mut self.sieve);
        self.judge(walked)?;
        Ok(self.sieve.passed().unwrap_or(piece))
    }

    /// The message has ended; gives the last octets that pass on.
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

    /// One finding is enough: behind it nothing is looked at.
    fn judge(&mut self, walked: Result<(), Blocked>) -> Result<(), Blocked> {
        match walked {
            Err(blocked) if self.action == Action::Tell => self.found = Some(blocked),
            walked => walked?,
        }
        Ok(())
    }

    /// Why the message is not wanted although it passes: with [`Action::Tell`].
    #[must_use]
    pub fn found(&self) -> Option<&Blocked> {
        self.found.as_ref()
    }

    /// What was taken out so far.
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
