//! What was found, in words for the administrator, the log and the note.

use std::fmt;

use thiserror::Error;

use crate::shown::is_command;

/// Longer names are cut where they are shown.
const MAX_SHOWN: usize = 120;

/// An attachment that a rule blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name, or the first name of the part that it is in; may be empty.
    pub attachment: String,
    /// Why.
    pub seen: Seen,
    /// The pattern of the rule.
    pub pattern: String,
}

/// What of an attachment a rule blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Its name.
    Name,
    /// The type that its header declares.
    DeclaredType(String),
    /// The type that its content is of.
    ContentType(&'static str),
    /// A file within it, when it is an archive.
    Entry(String),
    /// A file that is uuencoded within a text.
    Uuencoded(String),
}

/// Why a message is not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Blocked {
    /// It has an attachment that a rule blocks.
    #[error("{finding}{}", not_taken_out(.kept))]
    Attachment {
        /// The attachment.
        finding: Finding,
        /// Why it was not taken out, where that was asked for.
        kept: Option<&'static str>,
    },
    /// What attachments it has cannot be told.
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

/// A name from outside, harmless on a terminal, in a log and in a note.
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
