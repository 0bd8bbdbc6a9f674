//! The result does not depend on where the input is cut, processing ends, and buffered input is bounded.
//!
//! The first octet selects how the input is cut, the second whether messages are accepted and whether a
//! user is logged in.
#![no_main]

use bytes::{Bytes, BytesMut};
use imap_protocol::{CommandLimits, Event, Limits, Reader};
use libfuzzer_sys::fuzz_target;

/// Small enough to be reached by inputs.
const LIMITS: Limits = Limits {
    unauthenticated: CommandLimits {
        line: 128,
        literal: 64,
    },
    authenticated: CommandLimits {
        line: 512,
        literal: 256,
    },
    discard: 1024,
};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (step, flags, octets) = input;
    let whole = events(octets, octets.len().max(1), flags);
    for step in [usize::from(step).max(1), 1] {
        assert_eq!(events(octets, step, flags), whole);
    }
});

fn events(octets: &[u8], step: usize, flags: u8) -> Vec<Event> {
    let (refuse, authenticated) = (flags & 1 != 0, flags & 2 == 0);
    let mut reader = Reader::new(LIMITS);
    let mut longest = LIMITS.unauthenticated;
    if authenticated {
        reader.set_authenticated();
        longest = LIMITS.authenticated;
    }
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
        assert!(input.len() <= longest.line + longest.literal);
    }
    events
}
