//! Findings, in words for the administrator, the log and the note.

use std::fmt;

use thiserror::Error;

use crate::shown::is_command;

/// Longer names are truncated for display.
const MAX_SHOWN: usize = 120;

/// An attachment that a rule blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name, or the first name of the enclosing part; may be empty.
    pub attachment: String,
    /// The reason.
    pub seen: Seen,
    /// The pattern of the rule.
    pub pattern: String,
}

/// The blocked property of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Its name.
    Name,
    /// The type declared in its header.
    DeclaredType(String),
    /// The type detected from its content.
    ContentType(&'static str),
    /// A file within an archive.
    Entry(String),
    /// A uuencoded file within a text.
    Uuencoded(String),
}

/// The reason why a message is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Blocked {
    /// It has an attachment that a rule blocks.
    #[error("{finding}{}", not_taken_out(.kept))]
    Attachment {
        /// The attachment.
        finding: Finding,
        /// The reason why it was not removed, if that was requested.
        kept: Option<&'static str>,
    },
    /// The attachments cannot be determined.
    #[error("{0}")]
    Unclear(&'static str),
}

impl Blocked {
    pub(super) fn found(finding: Finding) -> Self {
        Self::Attachment {
            finding,
            kept: None,
        }
    }
}

fn not_taken_out(kept: &Option<&'static str>) -> String {
    kept.map(|reason| format!("; it cannot be taken out: {reason}"))
        .unwrap_or_default()
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = &self.pattern;
        match self.attachment.as_str() {
            "" => f.write_str("an attachment without a name")?,
            name => write!(f, "the attachment \"{}\"", shown(name))?,
        }
        match &self.seen {
            Seen::Name => write!(f, " is blocked by its name (rule \"{pattern}\")"),
            Seen::DeclaredType(media_type) => write!(
                f,
                " is blocked by its type {} (rule \"{pattern}\")",
                shown(media_type)
            ),
            Seen::ContentType(media_type) => write!(
                f,
                " is blocked by its content, which is {media_type} (rule \"{pattern}\")"
            ),
            Seen::Entry(entry) => write!(
                f,
                " is blocked by the file \"{}\" within it (rule \"{pattern}\")",
                shown(entry)
            ),
            Seen::Uuencoded(name) => write!(
                f,
                " is blocked by the file \"{}\" that is uuencoded in its text (rule \"{pattern}\")",
                shown(name)
            ),
        }
    }
}

/// A name from outside, made safe for a terminal, a log and a note.
pub(super) fn shown(name: &str) -> String {
    let mut shown: String = name
        .chars()
        .take(MAX_SHOWN)
        .map(|c| if is_command(c) || c == '"' { '?' } else { c })
        .collect();
    if name.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
