//! The verdict on a message with a blocked attachment.

use crate::decide::trust::until_trust_is_known;
use crate::values::attachments::Unwanted;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Unwanted {
    /// The refusal during the message's transfer.
    pub fn refusal(&self, trust: &Trust) -> Verdict {
        until_trust_is_known(trust, self.verdict(trust))
    }

    /// The verdict on the message.
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
