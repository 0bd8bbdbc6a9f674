//! A hostile server and the collector's client: no panic, no unbounded growth, and the same result at every
//! fragmentation. Unstuffing reverses stuffing.
//!
//! The first octet selects the expected response.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pop3_protocol::client::{LONGEST_LINE, Listing, Reply};
use pop3_protocol::dots::{Progress, Stuffer, Unstuffer};

fuzz_target!(|input: (u8, &[u8])| {
    let (what, octets) = input;
    let whole = read(what, std::iter::once(octets));
    assert_eq!(read(what, octets.chunks(1)), whole);
    for size in [1, usize::from(what) + 1, octets.len().max(1)] {
        stuff(octets, size);
    }
});

/// Everything that was parsed, in order, up to the first error.
fn read<'a>(what: u8, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut input = BytesMut::new();
    let mut unstuffer = Unstuffer::default();
    let mut text = BytesMut::new();
    let mut found = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let next = match what % 5 {
                0 => Reply::take(&mut input).map(|reply| reply.map(|reply| format!("{reply:?}"))),
                1 => {
                    Listing::take_uidl(&mut input).map(|line| line.map(|line| format!("{line:?}")))
                }
                2 => {
                    Listing::take_size(&mut input).map(|line| line.map(|line| format!("{line:?}")))
                }
                3 => Listing::take_capability(&mut input)
                    .map(|line| line.map(|line| format!("{line:?}"))),
                _ => Ok(match unstuffer.pull(&mut input, &mut text) {
                    Progress::More | Progress::Doubtful => None,
                    Progress::Ended => Some(text.split().escape_ascii().to_string()),
                }),
            };
            match next {
                Ok(Some(line)) => {
                    found.push(line);
                    unstuffer = Unstuffer::default();
                }
                Ok(None) => break,
                Err(error) => {
                    found.push(error.to_string());
                    return found;
                }
            }
        }
        assert!(input.len() <= LONGEST_LINE);
    }
    found.push(text.escape_ascii().to_string());
    found
}

fn stuff(message: &[u8], size: usize) {
    let mut stuffer = Stuffer::default();
    let mut wire = BytesMut::new();
    message
        .chunks(size)
        .for_each(|piece| stuffer.push(piece, &mut wire));
    stuffer.finish(&mut wire);
    wire.extend_from_slice(b"+OK\r\n");
    let mut expected = Vec::new();
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        expected.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        expected.extend_from_slice(b"\r\n");
    }
    let mut read = BytesMut::new();
    let mut unstuffer = Unstuffer::default();
    assert_eq!(unstuffer.pull(&mut wire, &mut read), Progress::Ended);
    assert_eq!(read, expected);
    assert_eq!(&wire[..], b"+OK\r\n");
}
