//! Responses of every mechanism, one a line: no panic, and no login without a question to the driver.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sasl::{Bindings, Exchange, Mechanisms, Response, Step, TokenFault, TokenRefusal};

fuzz_target!(|octets: &[u8]| {
    for name in Mechanisms::ALL.names() {
        let bindings = Bindings {
            exporter: Some(b"exported".to_vec()),
            server_end_point: None,
        };
        let Some(mechanism) = Mechanisms::ALL.named(name) else {
            continue;
        };
        let mut exchange = Exchange::new(mechanism, bindings);
        let (mut asked, mut proved) = (false, false);
        exchange.begin();
        for line in octets.split(|octet| *octet == b'\n') {
            // A line is parsed or refused; it is not kept unchanged.
            let _ = Response::read(line);
        }
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
                Ok(Step::Token(token)) => {
                    asked = true;
                    assert!(!token.token.contains(['\0', '\u{1}', ' ']));
                    let refusal = TokenRefusal {
                        fault: TokenFault::Invalid,
                        scope: String::new(),
                        configuration: String::new(),
                    };
                    assert!(exchange.token_refused(&refusal).is_some());
                }
                Ok(Step::External(name)) => assert!(!name.contains('\0')),
                Ok(Step::Challenge(_) | Step::Password(_)) => {}
                Err(_) => break,
            }
        }
    }
});
