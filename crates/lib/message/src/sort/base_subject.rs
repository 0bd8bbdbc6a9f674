//! The base subject (RFC 5256 §2.1, its ABNF in §5).
//!
//! The time is linear in the length of any subject.

/// A subject without the marks of replies, forwarding and mailing lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseSubject {
    /// The base subject; its case is kept.
    pub text: String,
    /// Whether a `subj-refwd`, a trailing `(fwd)` or a `[fwd: …]` was removed: the message is a
    /// reply or forwarded.
    pub is_reply: bool,
}

/// The base subject of a decoded subject.
#[must_use]
pub fn base_subject(subject: &str) -> BaseSubject {
    // (1) Encoded words are decoded already; runs of white space become one space.
    let subject = spaces_joined(subject);
    let mut rest = subject.as_str();
    let mut is_reply = false;
    loop {
        // (2)
        is_reply |= remove_trailers(&mut rest);
        // (3) to (5)
        is_reply |= remove_leaders(&mut rest);
        // (6)
        let Some(forwarded) = forwarded(rest) else {
            break;
        };
        is_reply = true;
        rest = forwarded;
    }
    BaseSubject {
        text: rest.to_owned(),
        is_reply,
    }
}

fn spaces_joined(subject: &str) -> String {
    let mut joined = String::with_capacity(subject.len());
    for character in subject.chars() {
        match character {
            ' ' | '\t' | '\r' | '\n' => {
                if !joined.ends_with(' ') {
                    joined.push(' ');
                }
            }
            other => joined.push(other),
        }
    }
    joined
}

/// `subj-trailer = "(fwd)" / WSP`; whether a `(fwd)` was removed.
fn remove_trailers(rest: &mut &str) -> bool {
    let mut any = false;
    loop {
        *rest = rest.trim_end_matches(' ');
        let Some(at) = rest.len().checked_sub(5) else {
            return any;
        };
        match rest.split_at_checked(at) {
            Some((before, end)) if end.eq_ignore_ascii_case("(fwd)") => {
                *rest = before;
                any = true;
            }
            _ => return any,
        }
    }
}

/// `subj-leader = (*subj-blob subj-refwd) / WSP`, and blobs as long as text follows them; returns whether a
/// `subj-refwd` was removed.
///
/// Blobs without a following `subj-refwd` can be removed all at once: removing them one by one does not
/// reveal one either.
fn remove_leaders(rest: &mut &str) -> bool {
    let mut any = false;
    loop {
        *rest = rest.trim_start_matches(' ');
        let (mut last_blob, mut behind) = (*rest, *rest);
        while let Some(after) = after_blob(behind) {
            last_blob = behind;
            behind = after;
        }
        if let Some(after) = after_reply_mark(behind) {
            *rest = after;
            any = true;
            continue;
        }
        // The last blob is the base if nothing else is left.
        *rest = if behind.is_empty() { last_blob } else { behind };
        return any;
    }
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP`
fn after_blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']', '\0'])?;
    let after = inner[end..].strip_prefix(']')?;
    Some(after.trim_start_matches(' '))
}

/// `subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`
fn after_reply_mark(text: &str) -> Option<&str> {
    let word = ["re", "fwd", "fw"]
        .into_iter()
        .find_map(|word| after_word(text, word))?;
    let behind = word.trim_start_matches(' ');
    after_blob(behind).unwrap_or(behind).strip_prefix(':')
}

/// `subj-fwd = subj-fwd-hdr subject subj-fwd-trl`: the subject within.
fn forwarded(text: &str) -> Option<&str> {
    after_word(text, "[fwd:")?.strip_suffix(']')
}

fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, after) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(after)
}
