//! The end of a message with an attachment that is not taken.

use crate::decide::trust::until_trust_is_known;
use crate::values::attachments::Unwanted;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Unwanted {
    /// The refusal of a message while it comes.
    pub fn refusal(&self, trust: &Trust) -> Verdict {
        until_trust_is_known(trust, self.verdict(trust))
    }

    /// What is said of the message.
    pub(crate) fn verdict(&self, trust: &Trust) -> Verdict {
        let (refusal, found) = match self {
            Self::Blocked(found) => (refusals::BLOCKED_ATTACHMENT, found),
            Self::Unclear(found) => (refusals::UNCLEAR_ATTACHMENTS, found),
        };
        refusal
            .because(found.clone())
            .because(format!("`block-attachments` for {}", trust.class()))
    }
}
