//! Entries of `block-attachments`.

use crate::values::attachments::BlockedAttachments;
use crate::values::pattern::Pattern;

impl BlockedAttachments {
    /// One entry of the list: with a slash a media type, otherwise a name.
    pub(super) fn take(&mut self, text: &str) -> Result<(), &'static str> {
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
