//! Any octets, cut anywhere, have one outcome; what passes untouched is what came, and what was
//! stripped has nothing left to refuse.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use message::attachments::{Action, Blocked, Blocklist, Finding, Screen};

struct Programs;

impl Blocklist for Programs {
    fn name(&self, name: &str) -> Option<String> {
        name.to_lowercase().ends_with(".exe").then(|| "*.exe".to_owned())
    }

    fn media_type(&self, media_type: &str) -> Option<String> {
        (media_type == "application/x-msdownload").then(|| media_type.to_owned())
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

/// Which of several findings is told first may depend on the pieces.
fn kind(outcome: &Result<(Vec<u8>, Vec<Finding>), Blocked>) -> Option<(usize, Option<&[u8]>)> {
    let (passed, removed) = outcome.as_ref().ok()?;
    Some((removed.len(), removed.is_empty().then_some(passed.as_slice())))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, message) = input;
    let whole = |action| screen(std::iter::once(message), action);
    for action in [Action::Refuse, Action::Strip] {
        let cut = screen(message.chunks(usize::from(size) + 1), action);
        assert_eq!(kind(&cut), kind(&whole(action)));
    }
    let refused = whole(Action::Refuse);
    match whole(Action::Strip) {
        Ok((passed, removed)) => {
            assert_eq!(removed.is_empty(), refused.is_ok());
            if removed.is_empty() {
                assert_eq!(passed, message);
            } else {
                let again = screen(std::iter::once(passed.as_slice()), Action::Refuse);
                assert!(again.is_ok(), "{}", String::from_utf8_lossy(&passed));
            }
        }
        Err(_) => assert!(refused.is_err()),
    }
});
