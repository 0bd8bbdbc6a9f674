//! The policy's attachment rules, as the screen of `message` asks for them.

use std::sync::Arc;

use message_crate::attachments::{Action, Blocklist, Screen};
use rules::{AttachmentAction, BlockedAttachments, Pattern};

/// A screen for one message; none where the rules block nothing.
pub(crate) fn screen(rules: &Arc<BlockedAttachments>) -> Option<Screen> {
    if rules.is_empty() {
        return None;
    }
    let action = match rules.action {
        AttachmentAction::Refuse => Action::Refuse,
        AttachmentAction::Quarantine => Action::Tell,
        AttachmentAction::Strip => Action::Strip,
    };
    Some(Screen::new(Arc::new(Rules(Arc::clone(rules))), action))
}

struct Rules(Arc<BlockedAttachments>);

impl Blocklist for Rules {
    fn name(&self, name: &str) -> Option<String> {
        self.0.by_name(name).map(Pattern::to_string)
    }

    fn media_type(&self, media_type: &str) -> Option<String> {
        self.0.by_type(media_type).map(Pattern::to_string)
    }
}
