//! However a message is cut into chunks, and the chunks into reads, it is accepted whole, or refused if it
//! contains forbidden octets; and no octet of it is executed as a command.
//!
//! The input's first line gives the sizes of the chunks, an octet each; the rest is the last chunk.
#![no_main]

mod driver;
mod text;

use driver::Driver;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut halves = octets.splitn(2, |&octet| octet == b'\n');
    let (Some(sizes), Some(message)) = (halves.next(), halves.next()) else {
        return;
    };
    let sent = chunked(sizes, message);
    for step in [sent.len(), 1 + sizes.len(), 1] {
        let mut driver = Driver::new();
        sent.chunks(step).for_each(|piece| driver.take(piece));
        assert!(driver.said.ends_with(b"221 2.0.0 Goodbye\r\n"));
        match text::is_proper(message) {
            true => assert_eq!(driver.messages, [message.to_vec()]),
            false => assert!(driver.messages.is_empty()),
        }
    }
});

fn chunked(sizes: &[u8], message: &[u8]) -> Vec<u8> {
    let mut sent = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n".to_vec();
    let mut rest = message;
    for size in sizes.iter().take(32) {
        let (chunk, behind) = rest.split_at(usize::from(*size).min(rest.len()));
        sent.extend_from_slice(format!("BDAT {}\r\n", chunk.len()).as_bytes());
        sent.extend_from_slice(chunk);
        rest = behind;
    }
    sent.extend_from_slice(format!("BDAT {} LAST\r\n", rest.len()).as_bytes());
    sent.extend_from_slice(rest);
    sent.extend_from_slice(b"QUIT\r\n");
    sent
}
