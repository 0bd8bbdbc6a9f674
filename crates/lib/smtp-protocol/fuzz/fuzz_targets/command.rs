//! One command line at each point of a session: one reply, whatever the line is, and at most a second one
//! that closes the session.
#![no_main]

mod driver;

use driver::Driver;
use libfuzzer_sys::fuzz_target;

const STARTS: [&str; 5] = [
    "",
    "EHLO a\r\n",
    "EHLO a\r\nMAIL FROM:<a@b> SMTPUTF8\r\n",
    "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n",
    "EHLO a\r\nAUTH LOGIN\r\n",
];

fuzz_target!(|line: &[u8]| {
    if line.contains(&b'\n') {
        return;
    }
    for start in STARTS {
        let mut driver = Driver::new();
        driver.take(start.as_bytes());
        driver.said.clear();
        driver.take(line);
        driver.take(b"\r\n");
        match driver.replies() {
            // The octets of a chunk come first.
            0 => assert!(driver.session.is_receiving(), "no reply"),
            1 => {}
            more => assert!(more == 2 && driver.closed, "{more} replies"),
        }
    }
});
