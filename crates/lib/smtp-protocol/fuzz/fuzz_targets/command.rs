//! One command line, behind a transaction that has begun.
#![no_main]

mod driver;

use driver::Driver;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    for start in ["", "EHLO a\r\n", "EHLO a\r\nMAIL FROM:<a@b> SMTPUTF8\r\n"] {
        let mut driver = Driver::new();
        driver.take(start.as_bytes());
        driver.said.clear();
        driver.take(line);
        driver.take(b"\r\n");
        assert!(driver.said.is_empty() || driver.said.ends_with(b"\r\n"));
    }
});
