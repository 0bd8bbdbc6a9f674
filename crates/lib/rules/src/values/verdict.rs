//! Named answers with their reasons.

pub(crate) mod refusals;

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// An answer with a name. One value serves the peer (`code`, `enhanced`, `text`), the log and the history
/// (`name`, `reasons`), and `postern explain`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// Stable name, such as `relay-denied`; `accepted` for a positive answer.
    pub name: &'static str,
    /// SMTP reply code.
    pub code: u16,
    /// Enhanced status code (RFC 3463).
    pub enhanced: &'static str,
    /// The reply text for the peer. It never reveals internals.
    pub text: &'static str,
    /// The facts and rules behind the answer, for the administrator.
    pub reasons: Vec<Cow<'static, str>>,
}

impl Verdict {
    pub(crate) fn accepted() -> Self {
        Self {
            name: "accepted",
            code: 250,
            enhanced: "2.1.0",
            text: "OK",
            reasons: Vec::new(),
        }
    }

    pub(crate) fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reasons.push(reason.into());
        self
    }

    /// Whether the peer may continue.
    pub fn is_accepted(&self) -> bool {
        self.code < 400
    }

    /// Whether a retry may succeed.
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.code)
    }
}

/// `name: reason; reason`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for (index, reason) in self.reasons.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            f.write_str(reason)?;
        }
        Ok(())
    }
}
