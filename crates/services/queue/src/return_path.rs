//! Removal of older Return-Path fields. Final delivery writes the valid one (RFC 5321 §4.4), ahead of a body
//! that all recipients share. The fields that a message brings along are therefore removed on acceptance,
//! whether it is submitted, relayed or collected.

use api::message::v1::{Content, Part};
use message::header::without;

/// Removes them from the header section, and adjusts the positions in the summary.
pub(crate) fn take_out(content: &mut Content) {
    let kept = without(&content.header, |field| field.is("Return-Path"));
    let by = (content.header.len() - kept.len()) as u64;
    if by == 0 {
        return;
    }
    let kept = kept.into_owned();
    content.header = kept.into();
    let parts = content
        .summary
        .iter_mut()
        .flat_map(|summary| &mut summary.parts);
    parts.for_each(|part| move_up(part, by));
}

fn move_up(part: &mut Part, by: u64) {
    let up = |place: u64| place.saturating_sub(by);
    part.header_start = up(part.header_start);
    part.body_start = up(part.body_start);
    part.end = up(part.end);
    part.nested_text_start = part.nested_text_start.map(up);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    const FIELDS: &str = "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    const TEXT: &str =
        "--b\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <c@x.test>\r\n\r\nc\r\n--b--\r\n";

    fn content(header: &str) -> Content {
        intake::content([header, TEXT].concat().as_bytes()).unwrap()
    }

    #[test]
    fn a_message_is_as_if_they_had_not_come() {
        let old = "Return-Path: <a@x.test>\r\nreturn-path :\r\n <b@x.test>\r\n";
        let mut dirty = content(&[old, FIELDS].concat());
        take_out(&mut dirty);
        assert_eq!(dirty, content(FIELDS));
        let mut clean = content(FIELDS);
        take_out(&mut clean);
        assert_eq!(clean, content(FIELDS));
    }
}
