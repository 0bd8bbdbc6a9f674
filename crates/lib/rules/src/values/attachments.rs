//! The attachments that are not taken.

use serde::Serialize;

use crate::values::pattern::Pattern;

/// The attachments that are blocked, and what becomes of a message that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlockedAttachments {
    /// Patterns of names: of an attachment, and of a file within one that is an archive.
    pub names: Vec<Pattern>,
    /// Patterns of media types, declared or found by the content.
    pub types: Vec<Pattern>,
    /// What becomes of the message.
    pub action: AttachmentAction,
}

/// What becomes of a message with a blocked attachment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AttachmentAction {
    /// It is refused.
    #[default]
    Refuse,
    /// It is taken, whole, and kept in quarantine.
    Quarantine,
    /// The attachment is taken out, where that can be done without harm.
    Strip,
}

impl BlockedAttachments {
    /// Whether none is blocked, and no message need be looked through.
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

/// What a look at a message's attachments ends in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screened {
    /// What is taken out.
    pub removed: Vec<String>,
    /// Why it is not wanted as it is.
    pub unwanted: Option<Unwanted>,
}

/// Why a message is not wanted, in words for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// An attachment is blocked.
    Blocked(String),
    /// Nobody can tell what attachments it has.
    Unclear(String),
}
