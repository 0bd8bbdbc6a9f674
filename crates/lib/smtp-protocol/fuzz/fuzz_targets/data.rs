//! What DATA gives is what a simple reading of RFC 5321 §4.5.2 gives, or nothing.
#![no_main]

mod driver;

use driver::Driver;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut driver = Driver::new();
    driver.take(b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
    driver.take(octets);
    let Some(message) = driver.messages.first() else {
        return;
    };
    let mut expected = Vec::new();
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        if line == b".\r\n" {
            break;
        }
        expected.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    assert_eq!(message, &expected);
    assert!(!message.contains(&0));
    assert!(message.is_empty() || message.ends_with(b"\r\n"));
});
