//! The end of a message with an attachment that is not taken.

use crate::decide::trust::until_trust_is_known;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

/// The end of a message with a blocked attachment; `found` says which, and by which pattern.
pub fn blocked_attachment(trust: &Trust, found: impl std::fmt::Display) -> Verdict {
    because(refusals::BLOCKED_ATTACHMENT, trust, found)
}

/// The end of a message of which nobody can tell what attachments it has; `found` says why.
pub fn unclear_attachments(trust: &Trust, found: impl std::fmt::Display) -> Verdict {
    because(refusals::UNCLEAR_ATTACHMENTS, trust, found)
}

fn because(refusal: Verdict, trust: &Trust, found: impl std::fmt::Display) -> Verdict {
    let refusal = refusal
        .because(found.to_string())
        .because(format!("`block-attachments` for {}", trust.class()));
    until_trust_is_known(trust, refusal)
}
