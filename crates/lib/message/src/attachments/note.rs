//! The note in place of a removed attachment.

use super::Finding;

/// Octets of an encoded line without its `=` (RFC 2045 §6.7: 76).
const MAX_LINE: usize = 75;

/// A part that describes the removed attachment. `header` is the attachment's header section; its fields
/// other than Content-… are kept, since it may be that of the message.
pub(super) fn note(header: &[u8], finding: &Finding, into: &mut Vec<u8>) {
    keep_other_fields(header, into);
    into.extend_from_slice(
        b"Content-Type: text/plain; charset=utf-8\r\n\
          Content-Transfer-Encoding: quoted-printable\r\n\
          Content-Disposition: inline\r\n\r\n",
    );
    let mut text = format!("Taken out by the mail system: {finding}.");
    // A sentence begins with a capital.
    text = text.replacen(": an attachment", ": An attachment", 1);
    text = text.replacen(": the attachment", ": The attachment", 1);
    quoted_printable(&text, into);
    into.extend_from_slice(b"\r\n");
}

/// Copies the lines of all fields except `Content-…`, without the final empty line.
fn keep_other_fields(header: &[u8], into: &mut Vec<u8>) {
    let mut keeps = true;
    for line in header.split_inclusive(|&byte| byte == b'\n') {
        match line {
            b"\n" | b"\r\n" => return,
            [b' ' | b'\t', ..] => {}
            _ => {
                keeps = !line
                    .get(..8)
                    .is_some_and(|name| name.eq_ignore_ascii_case(b"content-"));
            }
        }
        if keeps {
            into.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                into.extend_from_slice(b"\r\n");
            }
        }
    }
}

fn quoted_printable(text: &str, into: &mut Vec<u8>) {
    let mut column = 0;
    for byte in text.bytes() {
        let plain = matches!(byte, b' '..=b'~') && byte != b'=';
        let width = if plain { 1 } else { 3 };
        if column + width > MAX_LINE {
            into.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if plain {
            into.push(byte);
        } else {
            into.extend_from_slice(format!("={byte:02X}").as_bytes());
        }
        column += width;
    }
}
