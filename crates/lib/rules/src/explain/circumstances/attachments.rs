//! What a message brings, as a play is told of it.

use crate::values::attachments::{AttachmentAction, BlockedAttachments, Screened, Unwanted};

/// What a message brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachments {
    /// These.
    Seen(Vec<Attachment>),
    /// It is built so that nobody can tell.
    Unclear,
}

/// An attachment, or a file within one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Its name; empty where it has none.
    pub name: String,
    /// Its media type; empty where nobody said.
    pub media_type: String,
}

impl Attachments {
    /// Holds them against the rules, as the screen does that sees the message.
    pub(crate) fn screened(&self, rules: &BlockedAttachments) -> Screened {
        if rules.is_empty() {
            return Screened::default();
        }
        let attachments = match self {
            Self::Seen(attachments) => attachments,
            Self::Unclear => {
                let unclear = "what attachments it has cannot be told".to_owned();
                return Screened {
                    unwanted: Some(Unwanted::Unclear(unclear)),
                    ..Screened::default()
                };
            }
        };
        let mut found: Vec<String> = attachments
            .iter()
            .filter_map(|attachment| attachment.blocked(rules))
            .collect();
        if rules.action == AttachmentAction::Strip || found.is_empty() {
            return Screened {
                removed: found,
                unwanted: None,
            };
        }
        Screened {
            removed: Vec::new(),
            unwanted: Some(Unwanted::Blocked(found.swap_remove(0))),
        }
    }
}

impl Attachment {
    fn blocked(&self, rules: &BlockedAttachments) -> Option<String> {
        let Self { name, media_type } = self;
        if let Some(pattern) = rules.by_name(name) {
            return Some(format!(
                "the attachment \"{name}\" is blocked by its name (rule \"{pattern}\")"
            ));
        }
        let pattern = rules.by_type(media_type)?;
        Some(format!(
            "the attachment \"{name}\" is blocked by its type {media_type} (rule \"{pattern}\")"
        ))
    }
}
