//! Responses of every mechanism, one a line: never a panic, and nobody is logged in who was not asked
//! about.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sasl::{Bindings, Exchange, Mechanism, Step};

fuzz_target!(|octets: &[u8]| {
    for name in Mechanism::names(true) {
        let bindings = Bindings {
            exporter: Some(b"exported".to_vec()),
            server_end_point: None,
        };
        let Some(mechanism) = Mechanism::named(name) else {
            continue;
        };
        let mut exchange = Exchange::new(mechanism, bindings);
        let (mut asked, mut proved) = (false, false);
        for response in octets.split(|octet| *octet == b'\n') {
            match exchange.respond(response) {
                Ok(Step::Parameters(login)) => {
                    assert!(!login.login.is_empty());
                    asked = true;
                    exchange.parameters(b"salt", 4096, "SERVER");
                }
                Ok(Step::Proof(_)) => {
                    assert!(asked);
                    proved = true;
                    exchange.proved(b"ours");
                }
                Ok(Step::Done) => assert!(proved),
                Ok(Step::Challenge(_) | Step::Password(_)) => {}
                Err(_) => break,
            }
        }
    }
});
