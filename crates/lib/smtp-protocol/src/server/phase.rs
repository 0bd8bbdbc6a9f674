//! The phases of a session, and the reply to a command that comes too early.

use crate::Reply;

/// The phase of a session between commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No HELO or EHLO yet.
    Start = 1,
    /// No transaction.
    Ready = 2,
    /// MAIL was accepted.
    Mail = 4,
    /// At least one RCPT was accepted.
    Recipients = 8,
    /// At least one BDAT was accepted; only BDAT may follow (RFC 3030 §2).
    Chunks = 16,
}

/// The phases that allow a command.
pub(super) struct Phases(u8);

pub(super) const ANY: Phases = Phases(31);
pub(super) const GREETED: Phases = Phases(2 | 4 | 8 | 16);

impl Phases {
    pub(super) const fn only(phase: Phase) -> Self {
        Self(phase as u8)
    }

    pub(super) const fn or(self, phase: Phase) -> Self {
        Self(self.0 | phase as u8)
    }

    pub(super) fn begin_behind(&self, phase: Phase) -> bool {
        self.0 & ((phase as u8 - 1) | phase as u8) == 0
    }

    pub(super) fn has(&self, phase: Phase) -> bool {
        self.0 & phase as u8 != 0
    }
}

/// The reply to a command that comes too early.
pub(super) fn too_early(phase: Phase) -> Reply {
    match phase {
        Phase::Start => Reply::new(503, 5, 1, "Say EHLO or HELO first"),
        Phase::Ready => Reply::new(503, 5, 1, "Say MAIL first"),
        Phase::Mail | Phase::Recipients | Phase::Chunks => {
            Reply::new(503, 5, 1, "No recipient was accepted")
        }
    }
}
