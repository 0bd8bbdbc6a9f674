//! EXTERNAL (RFC 4422 appendix A).

use sasl::{Bindings, Exchange, Fault, Mechanism, Step};

#[test]
fn external_says_as_whom_or_nothing() {
    let external = || Exchange::new(Mechanism::External, Bindings::default());
    assert_eq!(external().begin(), Step::Challenge(Vec::new()));
    for name in ["", "bob@example.test"] {
        let step = external().respond(name.as_bytes());
        assert_eq!(step, Ok(Step::External(name.to_owned())));
    }
    assert_eq!(external().respond(b"b\0b"), Err(Fault::Malformed));
    assert_eq!(external().respond(b"\xff"), Err(Fault::Malformed));
}
