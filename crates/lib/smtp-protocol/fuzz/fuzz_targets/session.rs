//! A whole session: no panic, the same result at every fragmentation, one reply to each command, and plain
//! text after STARTTLS has no effect.
#![no_main]

mod driver;

use driver::Driver;
use libfuzzer_sys::fuzz_target;

fn play<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Driver {
    let mut driver = Driver::new();
    pieces.for_each(|piece| driver.take(piece));
    driver
}

fuzz_target!(|octets: &[u8]| {
    let single = play(octets.chunks(1));
    line_by_line(octets, &single);
    // Input that arrives with STARTTLS is dropped. A waiting client, like the first one, sends everything.
    let whole = play(std::iter::once(octets));
    let heard = single.secured_at.unwrap_or(octets.len());
    let alone = play(std::iter::once(&octets[..heard]));
    assert_same(&whole, &alone);
    if single.secured_at.is_none() {
        assert_same(&whole, &single);
    }
});

fn assert_same(one: &Driver, other: &Driver) {
    assert_eq!(replies(one), replies(other));
    assert_eq!(one.messages, other.messages);
    assert_eq!(one.closed, other.closed);
}

/// The replies. A message that is both too large and malformed is refused for either: which is found first
/// depends on the reads.
fn replies(driver: &Driver) -> String {
    let mut said = String::from_utf8_lossy(&driver.said).into_owned();
    for fault in [
        "a LF without CR",
        "a CR without LF",
        "a NUL octet",
        "a line that is too long",
    ] {
        said = said.replace(
            &format!("550 5.6.0 Message holds {fault}"),
            "552 5.3.4 Message is too large",
        );
    }
    said
}

/// A client that waits for each reply.
fn line_by_line(octets: &[u8], single: &Driver) {
    let mut driver = Driver::new();
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        let (before, receiving) = (driver.replies(), driver.session.is_receiving());
        if driver.closed {
            break;
        }
        driver.take(line);
        let replies = driver.replies() - before;
        if driver.closed {
            // The last reply may report too many errors.
            assert!((1..=3).contains(&replies), "{replies} replies");
        } else if receiving {
            // A chunk may end within the line, with a command after it.
            assert!(replies <= 2, "{replies} replies");
        } else if line.ends_with(b"\n") {
            let awaits_chunk = replies == 0 && driver.session.is_receiving();
            assert!(replies == 1 || awaits_chunk, "{replies} replies");
        }
    }
    assert_same(&driver, single);
}
