//! DATA agrees with a simple implementation of RFC 5321 §4.5.2: the same message, or none if it contains
//! forbidden octets. Only the octets after its end are read as commands.
#![no_main]

mod driver;
mod text;

use driver::Driver;
use libfuzzer_sys::fuzz_target;

const START: &[u8] = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n";

/// The message, and how many octets it took with its end.
fn read(octets: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut message = Vec::new();
    let mut taken = 0;
    for line in text::lines(octets) {
        taken += line.len();
        if line == b".\r\n" {
            return Some((message, taken));
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    None
}

fuzz_target!(|octets: &[u8]| {
    let read = read(octets);
    let (message, end) = match &read {
        Some((message, end)) => (Some(message), *end),
        None => (None, octets.len()),
    };
    for step in [octets.len().max(1), 1] {
        let mut driver = Driver::new();
        driver.take(START);
        driver.said.clear();
        octets[..end]
            .chunks(step)
            .for_each(|piece| driver.take(piece));
        match message.filter(|message| text::is_proper(message)) {
            Some(message) => assert_eq!(driver.messages, [message.clone()]),
            None => assert!(driver.messages.is_empty()),
        }
        if !driver.closed {
            assert_eq!(driver.session.is_receiving(), message.is_none());
            assert_eq!(driver.replies(), usize::from(message.is_some()));
        }
    }
});
