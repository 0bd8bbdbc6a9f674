//! A PROXY header of either version, cut anywhere.
#![no_main]

// Only the file: the crate would bring all dependencies of the services.
#[path = "../../src/proxy_header.rs"]
mod proxy_header;

use libfuzzer_sys::fuzz_target;
use proxy_header::{Progress, ProxyHeader};

fuzz_target!(|octets: &[u8]| {
    let whole = ProxyHeader::read(octets);
    if let Ok(Progress::Complete(_, length)) = whole {
        assert!(length <= octets.len());
        // The octets after the header change nothing, and no shorter prefix is complete.
        assert_eq!(ProxyHeader::read(&octets[..length]), whole);
        assert_eq!(
            ProxyHeader::read(&octets[..length - 1]),
            Ok(Progress::Incomplete)
        );
    }
    // An invalid prefix never becomes a header, and an incomplete header is bounded.
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
