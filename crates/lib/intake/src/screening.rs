//! Connects the policy's attachment rules with the attachment screen of `message`.

use std::sync::Arc;

use message::attachments::{Action, Blocked, Blocklist, Screen};
use rules::{AttachmentAction, BlockedAttachments, Pattern, Screened, Unwanted};

/// A screen for one message; none if the rules block nothing.
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

/// The result of screening a message.
pub fn screened(rules: &Arc<BlockedAttachments>, message: &[u8]) -> Screened {
    let Some(mut screen) = screen(rules) else {
        return Screened::default();
    };
    let refused = match screen.push(message) {
        Ok(_) => screen.finish().err(),
        Err(blocked) => Some(blocked),
    };
    let unwanted = refused.as_ref().or_else(|| screen.found()).map(unwanted);
    let removed = screen.removed().iter().map(ToString::to_string).collect();
    Screened { removed, unwanted }
}

/// The reason in the types of the rules.
pub fn unwanted(blocked: &Blocked) -> Unwanted {
    match blocked {
        Blocked::Attachment { .. } => Unwanted::Blocked(blocked.to_string()),
        Blocked::Unclear(_) => Unwanted::Unclear(blocked.to_string()),
    }
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
