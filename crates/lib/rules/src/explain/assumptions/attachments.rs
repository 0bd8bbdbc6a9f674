//! Assumptions about the attachments of a message.

use crate::values::attachments::{AttachmentAction, BlockedAttachments, Screened, Unwanted};

/// The attachments of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachments {
    /// These attachments.
    Seen(Vec<Attachment>),
    /// The structure of the message is ambiguous.
    Unclear,
}

/// An attachment, or a file within one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Its name; empty if it has none.
    pub name: String,
    /// Its media type; empty if not given.
    pub media_type: String,
}

impl Attachments {
    /// Checks them against the rules, as the attachment screen does with a real message.
    pub(crate) fn screened(&self, rules: &BlockedAttachments) -> Screened {
        if rules.is_empty() {
            return Screened::default();
        }
        let attachments = match self {
            Self::Seen(attachments) => attachments,
            Self::Unclear => {
                let unclear = "its attachments cannot be determined".to_owned();
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
