//! CRAM-MD5 against the example of RFC 2195; EXTERNAL.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use sasl::{Bindings, Exchange, Fault, Mechanism, Step};

fn challenged() -> Exchange {
    let mut exchange = Exchange::new(Mechanism::CramMd5, Bindings::default());
    assert_eq!(exchange.begin(), Step::Nonce);
    let challenge = exchange.nonce("1896.697170952", "postoffice.reston.mci.net");
    assert_eq!(
        challenge.unwrap(),
        b"<1896.697170952@postoffice.reston.mci.net>"
    );
    exchange
}

#[test]
fn the_example_of_rfc_2195_is_played_as_it_is_written() {
    let mut exchange = challenged();
    let step = exchange.respond(b"tim b913a602c7eda7a495b4e6e7334d3890");
    let Ok(Step::Digest(proof)) = step else {
        panic!("{step:?}");
    };
    assert_eq!(proof.login, "tim");
    assert_eq!(
        proof.challenge,
        "<1896.697170952@postoffice.reston.mci.net>"
    );
    assert_eq!((proof.digest[0], proof.digest[15]), (0xb9, 0x90));
    assert_eq!(format!("{proof:?}"), r#"CramProof { login: "tim", .. }"#);
    assert_eq!(exchange.respond(b""), Err(Fault::Malformed));
}

#[test]
fn what_is_not_cram_md5_is_malformed() {
    for response in [
        "",
        "tim",
        "b913a602c7eda7a495b4e6e7334d3890",
        " b913a602c7eda7a495b4e6e7334d3890",
        "tim b913a602c7eda7a495b4e6e7334d389",
        "tim b913a602c7eda7a495b4e6e7334d38900",
        "tim B913A602C7EDA7A495B4E6E7334D3890",
        "tim b913a602c7eda7a495b4e6e7334d389g",
        "t\0im b913a602c7eda7a495b4e6e7334d3890",
    ] {
        let found = challenged().respond(response.as_bytes());
        assert_eq!(found, Err(Fault::Malformed), "{response:?}");
    }
    // The server speaks first: nothing that comes before answers anything.
    let mut early = Exchange::new(Mechanism::CramMd5, Bindings::default());
    let response = b"tim b913a602c7eda7a495b4e6e7334d3890";
    assert_eq!(early.respond(response), Err(Fault::Malformed));
    assert_eq!(early.nonce("x", "y"), None);
}

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
