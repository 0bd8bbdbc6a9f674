//! Rules for blocked attachments.

use serde::Serialize;

use crate::values::pattern::Pattern;

/// The blocked attachments, and the action for a message that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlockedAttachments {
    /// Patterns for names of attachments and of files within archives.
    pub names: Vec<Pattern>,
    /// Patterns for media types, declared or detected from the content.
    pub types: Vec<Pattern>,
    /// The action for the message.
    pub action: AttachmentAction,
}

/// What becomes of a message with a blocked attachment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AttachmentAction {
    /// It is refused.
    #[default]
    Refuse,
    /// It is accepted whole and kept in quarantine.
    Quarantine,
    /// The attachment is removed, if that is possible without damage.
    Strip,
}

impl BlockedAttachments {
    /// Whether nothing is blocked, so that messages need no screening.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.types.is_empty()
    }

    /// The pattern that blocks a file of this name.
    pub fn by_name(&self, name: &str) -> Option<&Pattern> {
        first_match(&self.names, name)
    }

    /// The pattern that blocks content of this `type/subtype`.
    pub fn by_type(&self, media_type: &str) -> Option<&Pattern> {
        first_match(&self.types, media_type)
    }
}

fn first_match<'a>(patterns: &'a [Pattern], text: &str) -> Option<&'a Pattern> {
    if patterns.is_empty() {
        return None;
    }
    let text = text.to_lowercase();
    patterns.iter().find(|pattern| pattern.matches_lower(&text))
}

/// The result of screening a message's attachments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screened {
    /// The removed attachments.
    pub removed: Vec<String>,
    /// The reason why the message is not accepted as it is.
    pub unwanted: Option<Unwanted>,
}

/// The reason for not accepting a message, in words for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// An attachment is blocked.
    Blocked(String),
    /// The attachments cannot be determined.
    Unclear(String),
}
