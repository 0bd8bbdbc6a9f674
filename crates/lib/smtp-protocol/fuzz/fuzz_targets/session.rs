//! A whole session: never a panic, and the same at every fragmentation. Behind STARTTLS what came
//! with it is dropped, which depends on the cut by design: there only panics count.
#![no_main]

mod driver;

use driver::Driver;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut whole = Driver::new();
    whole.take(octets);
    let mut single = Driver::new();
    for octet in octets {
        single.take(std::slice::from_ref(octet));
    }
    let upper = octets.to_ascii_uppercase();
    if !upper.windows(8).any(|window| window == b"STARTTLS") {
        assert_eq!(whole.said, single.said);
        assert_eq!(whole.messages, single.messages);
    }
});
