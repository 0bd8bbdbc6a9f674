//! Which attachments are not taken.

use serde::Serialize;

use crate::pattern::Pattern;
use crate::receiving::until_trust_is_known;
use crate::trust::Trust;
use crate::verdict::{Verdict, refusals};

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

    /// One entry of the list: what has a slash is a media type, all else a name.
    pub(crate) fn take(&mut self, text: &str) -> Result<(), &'static str> {
        let patterns = match text.trim().split_once('/') {
            None if text.trim().is_empty() => return Err("it is empty"),
            None => &mut self.names,
            Some(("multipart", _)) => {
                return Err("multiparts hold the other parts: name what is in them");
            }
            Some((kind, subtype)) => {
                if !is_type(kind) || !is_type(subtype) {
                    return Err("it is no media type such as \"application/x-msdownload\"");
                }
                if kind == "*" && subtype == "*" {
                    return Err("it blocks every message");
                }
                &mut self.types
            }
        };
        patterns.push(Pattern::new(text.trim()));
        Ok(())
    }
}

/// A token of RFC 2045 §5.1 with wildcards.
fn is_type(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+*?".contains(&byte))
}

fn first_match<'a>(patterns: &'a [Pattern], text: &str) -> Option<&'a Pattern> {
    if patterns.is_empty() {
        return None;
    }
    let text = text.to_lowercase();
    patterns.iter().find(|pattern| pattern.matches_lower(&text))
}

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    #[test]
    fn names_and_types_stand_in_one_list() {
        let mut blocked = BlockedAttachments::default();
        for text in [
            "*.EXE",
            "winmail.dat",
            "application/X-msdownload",
            "image/svg*",
        ] {
            blocked.take(text).unwrap();
        }
        let name = |name| blocked.by_name(name).map(Pattern::as_str);
        let media_type = |name| blocked.by_type(name).map(Pattern::as_str);
        assert_eq!(name("a.exe"), Some("*.exe"));
        assert_eq!(name("A.EXE"), Some("*.exe"));
        assert_eq!(name(".exe"), Some("*.exe"));
        assert_eq!(name("a.exe.txt"), None);
        assert_eq!(name("Winmail.dat"), Some("winmail.dat"));
        assert_eq!(
            media_type("application/x-msdownload"),
            Some("application/x-msdownload")
        );
        assert_eq!(media_type("image/svg+xml"), Some("image/svg*"));
        assert_eq!(media_type("image/png"), None);
    }

    #[test]
    fn what_blocks_everything_or_nothing_is_refused() {
        let mut blocked = BlockedAttachments::default();
        for text in [
            "",
            " ",
            "*/*",
            "multipart/mixed",
            "a/b/c",
            "application/",
            "a b/c",
        ] {
            assert!(blocked.take(text).is_err(), "{text:?}");
        }
        assert!(blocked.is_empty());
    }
}
