//! A PROXY header of either version, cut anywhere.
#![no_main]

// The file alone: the crate would bring everything that services are made of.
#[path = "../../src/proxy_header.rs"]
mod proxy_header;

use libfuzzer_sys::fuzz_target;
use proxy_header::{Progress, ProxyHeader};

fuzz_target!(|octets: &[u8]| {
    let whole = ProxyHeader::read(octets);
    if let Ok(Progress::Complete(_, length)) = whole {
        assert!(length <= octets.len());
        // What follows changes nothing, and nothing less is complete.
        assert_eq!(ProxyHeader::read(&octets[..length]), whole);
        assert_eq!(
            ProxyHeader::read(&octets[..length - 1]),
            Ok(Progress::Incomplete)
        );
    }
    // What could not become a header does not become one by waiting, and waiting has an end.
    if whole == Ok(Progress::Incomplete) {
        assert!(octets.len() < 4096);
    }
    let mut refused = false;
    for end in 0..octets.len().min(200) {
        let is_error = ProxyHeader::read(&octets[..end]).is_err();
        assert!(is_error || !refused);
        refused = is_error;
    }
});
