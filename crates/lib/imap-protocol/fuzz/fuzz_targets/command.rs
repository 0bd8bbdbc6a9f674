//! A parsed command is written and parsed again with the same result.
#![no_main]

use bytes::{Bytes, BytesMut};
use imap_protocol::{Event, Limits, Parsed, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let Ok((_, command)) = Parsed::from_bytes(Bytes::copy_from_slice(line)).result else {
        return;
    };
    let mut wire = BytesMut::new();
    command.write("a", &mut wire);
    let mut reader = Reader::new(Limits::default());
    reader.set_authenticated();
    match reader.next(&mut wire) {
        Event::Command(_, _, again) => assert_eq!(*again, command),
        // The written form may be longer than the original.
        Event::Invalid(..) if line.len() > 16 * 1024 => {}
        other => panic!("{command:?} became {other:?}"),
    }
});
