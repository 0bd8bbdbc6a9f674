//! Where the input is cut changes nothing, and what comes of it ends.
#![no_main]

use bytes::{Bytes, BytesMut};
use imap_protocol::{Event, Limits, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (step, refuse, octets) = input;
    let whole = events(octets, octets.len().max(1), refuse);
    assert_eq!(events(octets, usize::from(step).max(1), refuse), whole);
});

fn events(octets: &[u8], step: usize, refuse: bool) -> Vec<Event> {
    let mut reader = Reader::new(Limits::default());
    reader.set_authenticated();
    let mut input = BytesMut::new();
    let mut events = Vec::new();
    for piece in octets.chunks(step) {
        input.extend_from_slice(piece);
        loop {
            match reader.next(&mut input) {
                Event::NeedInput => break,
                Event::Append(head) => {
                    events.push(Event::Append(head));
                    if refuse {
                        reader.refuse();
                    } else {
                        reader.accept();
                    }
                }
                Event::Data(data) => match events.last_mut() {
                    Some(Event::Data(before)) => {
                        *before = Bytes::from([before.as_ref(), &data].concat());
                    }
                    _ => events.push(Event::Data(data)),
                },
                Event::Fatal(error) => {
                    events.push(Event::Fatal(error));
                    return events;
                }
                event => events.push(event),
            }
        }
    }
    events
}
