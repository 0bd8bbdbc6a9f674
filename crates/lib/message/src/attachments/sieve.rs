//! The output of the screen, depending on the findings.

use std::sync::Arc;

use super::delimiters::Delimiter;
use super::finding::{Blocked, Finding, Seen};
use super::header::PartHeader;
use super::inspect::{Found, Inspection};
use super::note::note;
use super::walk::Sink;
use super::{Action, Blocklist, MAX_HELD};

/// Maximum number of parts removed from one message.
const MAX_REMOVED: usize = 100;

/// The output of the screen.
pub(super) struct Sieve {
    inspection: Inspection,
    /// Absent if everything or nothing passes.
    strip: Option<Strip>,
}

/// The state of removals.
struct Strip {
    out: Vec<u8>,
    state: State,
    removed: Vec<Finding>,
    /// A part before this position is signed together with the following ones.
    is_signed: bool,
}

/// The state of the current part.
enum State {
    /// Held back until the decision: header section and body.
    Held {
        header: PartHeader,
        raw: Vec<u8>,
        body_at: usize,
    },
    Passes,
    Dropped,
}

impl Sieve {
    pub(super) fn new(blocklist: Arc<dyn Blocklist>, action: Action) -> Self {
        Self {
            inspection: Inspection::new(blocklist),
            strip: (action == Action::Strip).then(|| Strip {
                out: Vec::new(),
                state: State::Passes,
                removed: Vec::new(),
                is_signed: false,
            }),
        }
    }

    /// Starts the next piece.
    pub(super) fn begin(&mut self) {
        if let Some(strip) = &mut self.strip {
            strip.out.clear();
        }
    }

    /// The octets to pass; `None`: the whole piece.
    pub(super) fn passed(&self) -> Option<&[u8]> {
        self.strip.as_ref().map(|strip| strip.out.as_slice())
    }

    pub(super) fn removed(&self) -> &[Finding] {
        self.strip.as_ref().map_or(&[], |strip| &strip.removed)
    }

    /// Ends the message.
    pub(super) fn finish(&mut self) -> Result<(), Blocked> {
        let found = self.inspection.finish()?;
        self.settle(found)?;
        if let Some(strip) = &mut self.strip {
            strip.pass();
        }
        Ok(())
    }

    fn settle(&mut self, found: Option<Found>) -> Result<(), Blocked> {
        let Some(found) = found else { return Ok(()) };
        let Some(strip) = &mut self.strip else {
            return Err(Blocked::found(found.finding));
        };
        if self.inspection.has_doubt {
            return Err(kept(found.finding, DOUBT));
        }
        if found.is_apart {
            return Err(kept(found.finding, PARENT));
        }
        strip.take_out(found.finding)
    }
}

impl Sieve {
    fn body_piece(&mut self, octets: &[u8]) -> Result<(), Blocked> {
        let is_dropped = matches!(
            &self.strip,
            Some(Strip {
                state: State::Dropped,
                ..
            })
        );
        let found = if is_dropped {
            self.inspection.doubtful(octets)?
        } else {
            self.inspection.body(octets)?
        };
        if let Some(strip) = &mut self.strip {
            strip.body(octets);
        }
        self.settle(found)?;
        if let Some(strip) = &mut self.strip {
            strip.let_go();
        }
        Ok(())
    }
}

const PARENT: &str = "it has parts of its own";
const DOUBT: &str = "where the parts of the message end can be read in more than one way";

impl Sink for Sieve {
    fn header(&mut self, raw: &[u8], header: PartHeader) -> Result<(), Blocked> {
        let found = self.inspection.header(raw, &header)?;
        if let Some(strip) = &mut self.strip {
            strip.pass();
            strip.is_signed |= header.is_signed;
            strip.state = State::Held {
                header,
                raw: raw.to_vec(),
                body_at: raw.len(),
            };
        }
        self.settle(found)
    }

    fn body(&mut self, mut octets: &[u8]) -> Result<(), Blocked> {
        // The limit must not depend on how the message is cut.
        while let Some(room) = self.strip.as_ref().and_then(Strip::room)
            && room < octets.len()
        {
            let (now, later) = octets.split_at(room);
            self.body_piece(now)?;
            octets = later;
        }
        self.body_piece(octets)
    }

    fn delimiter(&mut self, line: &[u8], delimiter: Delimiter) -> Result<(), Blocked> {
        let found = self.inspection.delimiter(line, delimiter)?;
        self.settle(found)?;
        if let Some(strip) = &mut self.strip {
            if let (Delimiter::Doubtful, Some(finding)) = (delimiter, strip.removed.last()) {
                return Err(kept(finding.clone(), DOUBT));
            }
            strip.pass();
            strip.out.extend_from_slice(line);
        }
        Ok(())
    }

    fn delimiter_goes_on(&mut self, octets: &[u8]) -> Result<(), Blocked> {
        let found = self.inspection.doubtful(octets)?;
        self.settle(found)?;
        if let Some(strip) = &mut self.strip {
            strip.out.extend_from_slice(octets);
        }
        Ok(())
    }
}

impl Strip {
    /// Passes the held octets and everything after them.
    fn pass(&mut self) {
        if let State::Held { raw, .. } = std::mem::replace(&mut self.state, State::Passes) {
            self.out.extend_from_slice(&raw);
        }
    }

    fn body(&mut self, octets: &[u8]) {
        match &mut self.state {
            State::Held { raw, .. } => raw.extend_from_slice(octets),
            State::Passes => self.out.extend_from_slice(octets),
            State::Dropped => {}
        }
    }

    /// Octets of the part that may still be held, if it is held.
    fn room(&self) -> Option<usize> {
        match &self.state {
            State::Held { raw, .. } => Some(MAX_HELD.saturating_sub(raw.len())),
            State::Passes | State::Dropped => None,
        }
    }

    /// Passes a long part, which cannot be held for ever.
    fn let_go(&mut self) {
        if self.room() == Some(0) {
            self.pass();
        }
    }

    fn take_out(&mut self, finding: Finding) -> Result<(), Blocked> {
        if self.is_signed {
            return Err(kept(finding, "the message is signed"));
        }
        if matches!(finding.seen, Seen::Uuencoded(_)) {
            return Err(kept(finding, "it is part of a text"));
        }
        if self.removed.len() >= MAX_REMOVED {
            return Err(kept(finding, "the message has too many of its kind"));
        }
        match std::mem::replace(&mut self.state, State::Dropped) {
            State::Held { header, .. } if header.is_composite() => Err(kept(finding, PARENT)),
            State::Held { raw, body_at, .. } => {
                note(&raw[..body_at.min(raw.len())], &finding, &mut self.out);
                self.removed.push(finding);
                Ok(())
            }
            // One finding is enough.
            State::Dropped => Ok(()),
            State::Passes => Err(kept(
                finding,
                "it showed itself behind more than could be held back",
            )),
        }
    }
}

fn kept(finding: Finding, reason: &'static str) -> Blocked {
    Blocked::Attachment {
        finding,
        kept: Some(reason),
    }
}
