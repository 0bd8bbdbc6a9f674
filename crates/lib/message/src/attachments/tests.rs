#![allow(clippy::unwrap_used)] // A failing test may panic.

mod corpus;
mod limits;
mod quotes;
mod zip;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// Blocks programs.
struct Programs;

impl Blocklist for Programs {
    fn name(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        [".exe", ".scr"]
            .iter()
            .find(|ending| name.ends_with(**ending))
            .map(|ending| format!("*{ending}"))
    }

    fn media_type(&self, media_type: &str) -> Option<String> {
        (media_type == "application/x-msdownload").then(|| media_type.to_owned())
    }
}

/// What passes on and what was taken out, or why nothing passes.
type Outcome = Result<(Vec<u8>, Vec<Finding>), Blocked>;

fn screen<'a>(pieces: impl Iterator<Item = &'a [u8]>, action: Action) -> Outcome {
    let mut screen = Screen::new(Arc::new(Programs), action);
    let mut passed = Vec::new();
    for piece in pieces {
        passed.extend_from_slice(screen.push(piece)?);
    }
    passed.extend_from_slice(screen.finish()?);
    Ok((passed, screen.removed().to_vec()))
}

/// What passes where it is only told what was found, and that.
fn tell<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Option<Blocked>) {
    let mut screen = Screen::new(Arc::new(Programs), Action::Tell);
    let mut passed = Vec::new();
    for piece in pieces {
        passed.extend_from_slice(screen.push(piece).unwrap());
    }
    passed.extend_from_slice(screen.finish().unwrap());
    (passed, screen.found().cloned())
}

fn refuse(message: &[u8]) -> Outcome {
    screen(std::iter::once(message), Action::Refuse)
}

fn strip(message: &[u8]) -> Outcome {
    screen(std::iter::once(message), Action::Strip)
}

/// A message of a text and one more part.
fn with_part(part: &[u8]) -> Vec<u8> {
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n",
        part,
        b"\r\n--b--\r\n",
    ]
    .concat()
}

fn base64(octets: &[u8]) -> Vec<u8> {
    use ::base64::Engine as _;
    let encoded = ::base64::engine::general_purpose::STANDARD.encode(octets);
    let lines: Vec<&[u8]> = encoded.as_bytes().chunks(76).collect();
    lines.join(&b"\r\n"[..])
}

fn with_base64(header: &str, octets: &[u8]) -> Vec<u8> {
    let head = format!("{header}Content-Transfer-Encoding: base64\r\n\r\n");
    with_part(&[head.as_bytes(), &base64(octets)].concat())
}

proptest! {
    /// Whether a message passes untouched depends on nothing but its octets, and what was stripped
    /// has nothing left to refuse. Which of several findings comes first may depend on the pieces.
    #[test]
    fn a_message_passes_or_not_however_it_is_cut(
        message in message(),
        cut in 1_usize..60,
    ) {
        let passes = refuse(&message).is_ok();
        for (passed, found) in [
            tell(std::iter::once(message.as_slice())),
            tell(message.chunks(cut)),
        ] {
            prop_assert_eq!(&passed, &message);
            prop_assert_eq!(found.is_none(), passes);
        }
        for action in [Action::Refuse, Action::Strip] {
            let whole = screen(std::iter::once(message.as_slice()), action);
            for outcome in [whole, screen(message.chunks(cut), action)] {
                match outcome {
                    Ok((passed, removed)) if removed.is_empty() => {
                        prop_assert!(passes);
                        prop_assert_eq!(&passed, &message);
                    }
                    Ok((passed, _)) => {
                        prop_assert!(!passes);
                        let again = refuse(&passed);
                        prop_assert!(again.is_ok(), "{}", String::from_utf8_lossy(&passed));
                    }
                    Err(_) => prop_assert!(!passes),
                }
            }
        }
    }
}

/// Messages of what makes a difference.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("Content-Type: multipart/mixed; boundary=b\r\n"),
        Just("Content-Type: multipart/mixed; boundary=bb\r\n"),
        Just("Content-Type: multipart/digest; boundary=d\r\n"),
        Just("Content-Type: message/rfc822\r\n"),
        Just("Content-Type: application/x-msdownload\r\n"),
        Just("Content-Type: text/plain\r\n"),
        Just("Content-Type: text/plain; name=a.eml\r\n"),
        Just("Content-Type: multipart/mixed; boundary=(x)b\r\n"),
        Just("Content-Type: multipart/mixed\r\n"),
        Just("Content-Disposition: attachment; filename=a.exe\r\n"),
        Just("Content-Disposition: attachment;\r\n filename*0=a.; filename*1=exe\r\n"),
        Just("Content-Transfer-Encoding: base64\r\n"),
        Just("Content-Transfer-Encoding: quoted-printable\r\n"),
        Just("\r\n"),
        Just("\r\n\r\n"),
        Just("--b\r\n"),
        Just("--bb\r\n"),
        Just("--b--\r\n"),
        Just("--d\r\n"),
        Just("--bx\r\n"),
        Just("TVqQAAMAAAAEAAAA\r\n"),
        Just("MZ=90\r\n"),
        Just("begin 644 a.exe\r\n"),
        Just("begin 644 a\r\n"),
        Just("#35J0\r\n"),
        Just("$35H`\r\n"),
        Just("PK\u{3}\u{4}"),
        Just("text\r\n"),
        Just("-"),
        Just("b"),
    ];
    prop::collection::vec(word, 0..25).prop_map(|words| words.concat().into_bytes())
}
