//! The made-up messages of `fixtures/attachments`: each evasion is one.

use std::path::Path;

use super::*;

/// Message by message: its text with CRLF, and where its outcome stands.
fn fixtures() -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/attachments");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let message = text.replace('\n', "\r\n").into_bytes();
            (path.with_extension("expected"), message)
        })
        .collect();
    found.sort();
    found
}

/// The outcomes as the `.expected` file has them: refused or not, then what stripping leaves.
fn shown(message: &[u8]) -> String {
    let refused = match refuse(message) {
        Ok((passed, _)) => {
            assert_eq!(passed, message);
            "passes".to_owned()
        }
        Err(blocked) => blocked.to_string(),
    };
    let stripped = match strip(message) {
        Ok((passed, removed)) if removed.is_empty() => {
            assert_eq!(passed, message);
            "passes\n".to_owned()
        }
        Ok((passed, _)) => {
            let passed = String::from_utf8(passed).unwrap().replace("\r\n", "\n");
            format!("stripped\n{passed}")
        }
        Err(blocked) => format!("{blocked}\n"),
    };
    format!("REFUSE {refused}\nSTRIP {stripped}")
}

/// `UPDATE_FIXTURES=1` writes the expectations anew: read the difference before you keep it.
#[test]
fn messages_have_the_outcomes_that_their_fixtures_say() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 40, "only {} messages", fixtures.len());
    for (expected, message) in fixtures {
        let shown = shown(&message);
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&expected, &shown).unwrap();
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(shown, wanted, "{}", expected.display());
    }
}

/// All but these hide an attachment, each in another way.
#[test]
fn no_evasion_of_the_corpus_gets_through() {
    const HARMLESS: [&str; 20] = [
        "clean",
        "plain",
        "mailing-list-dashes",
        "bounce-with-a-header-alone",
        "bounce-with-a-cut-original",
        "bounce-with-an-original-cut-in-its-delimiter",
        "bounce-with-an-original-cut-in-its-header",
        "encoding-in-two-words-harmless",
        "encoding-names-a-charset",
        "encoding-names-a-type",
        "encoding-none",
        "encoding-with-a-label",
        "encoding-with-a-parameter",
        "encoding-uuencode",
        "encoding-x-uue",
        "encoding-x-uuencode-of-all",
        "harmless-extended-names",
        "harmless-name-in-iso-2022-kr",
        "message-by-name-harmless",
        "text-that-begins-like-a-program",
    ];
    for (path, message) in fixtures() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let passes = refuse(&message).is_ok();
        assert_eq!(passes, HARMLESS.contains(&name.as_str()), "{name}");
    }
}

/// A notice may truncate the message that it quotes anywhere.
#[test]
fn a_quoted_message_passes_wherever_it_was_truncated() {
    let original = "Subject: o\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n\
                    \tboundary=\"--=_Part_1\"; charset=utf-8\r\n\
                    Content-Transfer-Encoding: 7bit\r\nX-Last: x\r\n\r\n\
                    ----=_Part_1\r\nContent-Type: text/plain\r\n\r\ntext\r\n";
    for at in 0..=original.len() {
        let part = format!("Content-Type: message/rfc822\r\n\r\n{}", &original[..at]);
        let outcome = refuse(&with_part(part.as_bytes()));
        assert!(outcome.is_ok(), "{part:?} {outcome:?}");
    }
}

#[test]
fn the_outcome_does_not_depend_on_where_a_message_is_cut() {
    for (path, message) in fixtures() {
        for action in [Action::Refuse, Action::Strip] {
            let whole = screen(std::iter::once(message.as_slice()), action);
            // In two pieces at every octet, and in pieces of every small size.
            for at in 0..message.len() {
                let (one, two) = message.split_at(at);
                let cut = screen([one, two].into_iter(), action);
                assert_eq!(cut, whole, "{} cut at {at}", path.display());
            }
            for size in 1..20 {
                let cut = screen(message.chunks(size), action);
                assert_eq!(cut, whole, "{} by {size}", path.display());
            }
        }
    }
}

/// The parts around a note are what they were, octet by octet.
#[test]
fn what_is_not_taken_out_is_not_touched() {
    let message = with_part(
        b"Content-Disposition: attachment; filename=a.exe\r\nX-Other: kept\r\n\r\nMZ\r\n--b\r\n\
          Content-Type: text/html\r\n\r\n<p>\t last </p>\r\n",
    );
    let (passed, removed) = strip(&message).unwrap();
    let passed = String::from_utf8(passed).unwrap();
    let (before, rest) = passed.split_once("X-Other: kept\r\n").unwrap();
    assert_eq!(
        before,
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
    );
    let (note, after) = rest.split_once("--b\r\n").unwrap();
    assert_eq!(
        note,
        "Content-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\
         Content-Disposition: inline\r\n\r\n\
         Taken out by the mail system: The attachment \"a.exe\" is blocked by its name=\r\n\
         \x20(rule \"*.exe\").\r\n"
    );
    assert_eq!(
        after,
        "Content-Type: text/html\r\n\r\n<p>\t last </p>\r\n\r\n--b--\r\n"
    );
    assert_eq!(removed.len(), 1);
}
