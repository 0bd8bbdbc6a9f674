//! Whether any octets pass unchanged depends neither on where they are cut nor on the action for others;
//! what passes unchanged equals the input; a stripped message has nothing left to refuse; and everything
//! that a client would read as a blocked type is found.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use message::Scanner;
use message::attachments::{Action, Blocked, Blocklist, Finding, Screen};

const PROGRAM: &str = "application/x-msdownload";

struct Programs;

impl Blocklist for Programs {
    fn name(&self, name: &str) -> Option<String> {
        name.to_lowercase()
            .ends_with(".exe")
            .then(|| "*.exe".to_owned())
    }

    fn media_type(&self, media_type: &str) -> Option<String> {
        (media_type == PROGRAM).then(|| media_type.to_owned())
    }
}

fn screen<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    action: Action,
) -> Result<(Vec<u8>, Vec<Finding>), Blocked> {
    let mut screen = Screen::new(Arc::new(Programs), action);
    let mut passed = Vec::new();
    for piece in pieces {
        passed.extend_from_slice(screen.push(piece)?);
    }
    passed.extend_from_slice(screen.finish()?);
    Ok((passed, screen.removed().to_vec()))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, message) = input;
    let passes = screen(std::iter::once(message), Action::Refuse).is_ok();
    assert!(!passes || !a_client_sees_a_program(message));
    let mut telling = Screen::new(Arc::new(Programs), Action::Tell);
    let mut told = Vec::new();
    for piece in message.chunks(usize::from(size) + 1) {
        told.extend_from_slice(telling.push(piece).expect("it is only told"));
    }
    told.extend_from_slice(telling.finish().expect("it is only told"));
    assert_eq!(told, message);
    assert_eq!(telling.found().is_none(), passes);
    for action in [Action::Refuse, Action::Strip] {
        let whole = screen(std::iter::once(message), action);
        let cut = screen(message.chunks(usize::from(size) + 1), action);
        // Which of several findings comes first may depend on the pieces.
        for outcome in [whole, cut] {
            match outcome {
                Ok((passed, removed)) if removed.is_empty() => {
                    assert!(passes);
                    assert_eq!(passed, message);
                }
                Ok((passed, _)) => {
                    assert!(!passes);
                    let again = screen(std::iter::once(passed.as_slice()), Action::Refuse);
                    assert!(again.is_ok(), "{}", String::from_utf8_lossy(&passed));
                }
                Err(_) => assert!(!passes),
            }
        }
    }
});

/// The scanner follows the standard.
fn a_client_sees_a_program(message: &[u8]) -> bool {
    let mut scanner = Scanner::new();
    if scanner.push(message).is_err() {
        return false;
    }
    scanner.finish().is_ok_and(|scanned| {
        scanned
            .summary
            .parts
            .iter()
            .any(|part| part.media_type == PROGRAM)
    })
}
