//! However a message is cut into chunks, and those into reads, it is taken whole or not at all, and
//! nothing of it is read as a command.
#![no_main]

mod driver;

use driver::Driver;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (cuts, message) = input;
    if message.len() > 4096 {
        return;
    }
    let mut sent = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n".to_vec();
    let mut rest = message.as_slice();
    for cut in cuts.iter().take(64) {
        let (chunk, behind) = rest.split_at(usize::from(*cut).min(rest.len()));
        sent.extend_from_slice(format!("BDAT {}\r\n", chunk.len()).as_bytes());
        sent.extend_from_slice(chunk);
        rest = behind;
    }
    sent.extend_from_slice(format!("BDAT {} LAST\r\n", rest.len()).as_bytes());
    sent.extend_from_slice(rest);
    sent.extend_from_slice(b"QUIT\r\n");
    let mut driver = Driver::new();
    for piece in sent.chunks(1 + usize::from(cuts.first().copied().unwrap_or(7))) {
        driver.take(piece);
    }
    assert!(driver.said.ends_with(b"221 2.0.0 Goodbye\r\n"));
    if let Some(taken) = driver.messages.first() {
        assert_eq!(taken, &message);
        assert!(!taken.contains(&0));
    }
    assert!(driver.messages.len() <= 1);
});
