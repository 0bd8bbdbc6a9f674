//! Messages derived from others.

use api::queue::v1::{Derivation, DerivedKind};
use jiff::Timestamp;
use serde::Serialize;

use crate::time;

/// The message that another was derived from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parent {
    /// Its number.
    pub message: i64,
    /// The kind of the derived message: `notice`, `forward`, `copy`, `list post`, `auto-reply`, or
    /// `unknown` to this version.
    pub kind: &'static str,
}

/// A message derived from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Child {
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Its number.
    pub message: i64,
    /// Its kind.
    pub kind: &'static str,
}

impl From<&Derivation> for Parent {
    fn from(derivation: &Derivation) -> Self {
        Self {
            message: derivation.parent_id,
            kind: kind(derivation.kind()),
        }
    }
}

impl From<&Derivation> for Child {
    fn from(derivation: &Derivation) -> Self {
        Self {
            at: time(derivation.at_ms),
            message: derivation.message_id,
            kind: kind(derivation.kind()),
        }
    }
}

fn kind(kind: DerivedKind) -> &'static str {
    match kind {
        DerivedKind::Unspecified => "unknown",
        DerivedKind::Notice => "notice",
        DerivedKind::Forward => "forward",
        DerivedKind::Copy => "copy",
        DerivedKind::ListPost => "list post",
        DerivedKind::AutoReply => "auto-reply",
    }
}
