//! SCRAM against the examples of the RFCs, and against those who do not keep to it.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sasl::{Bindings, Exchange, Fault, Hash, Mechanism, ScramProof, Step};

fn scram(hash: Hash, plus: bool) -> Mechanism {
    Mechanism::Scram { hash, plus }
}

fn bound() -> Bindings {
    Bindings {
        exporter: Some(b"exported".to_vec()),
        server_end_point: Some(b"end point".to_vec()),
    }
}

/// An exchange up to its challenge.
fn challenged(mechanism: Mechanism, bindings: Bindings, first: &str) -> Result<Exchange, Fault> {
    let mut exchange = Exchange::new(mechanism, bindings);
    let Step::Parameters(_) = exchange.respond(first.as_bytes())? else {
        panic!("not asked for parameters");
    };
    exchange.parameters(b"salt", 4096, "SERVER").unwrap();
    Ok(exchange)
}

fn proof(exchange: &mut Exchange, text: &str) -> Result<ScramProof, Fault> {
    match exchange.respond(text.as_bytes())? {
        Step::Proof(proof) => Ok(proof),
        step => panic!("{step:?}"),
    }
}

#[test]
fn the_example_of_rfc_5802_is_played_as_it_is_written() {
    let mut exchange = Exchange::new(scram(Hash::Sha1, false), Bindings::default());
    let step = exchange
        .respond(b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")
        .unwrap();
    let Step::Parameters(login) = step else {
        panic!("{step:?}");
    };
    assert_eq!((login.login.as_str(), login.hash), ("user", Hash::Sha1));
    let salt = STANDARD.decode("QSXCR+Q6sek8bf92").unwrap();
    let challenge = exchange
        .parameters(&salt, 4096, "3rfcNHYJY1ZVvWVs7j")
        .unwrap();
    assert_eq!(
        challenge,
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
    );
    let proof = proof(
        &mut exchange,
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    )
    .unwrap();
    assert_eq!(
        proof.auth_message,
        "n=user,r=fyko+d2lbbFgONRv9qkxdawL,\
         r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,\
         c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
    );
    assert_eq!(
        STANDARD.encode(&proof.proof),
        "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    );
    let signature = STANDARD.decode("rmF9pqV8S7suAoZWja4dJRkFsKQ=").unwrap();
    assert_eq!(
        exchange.proved(&signature).unwrap(),
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
    );
    assert_eq!(exchange.respond(b""), Ok(Step::Done));
    assert_eq!(exchange.respond(b""), Err(Fault::Malformed));
}

#[test]
fn a_binding_is_that_of_this_session_and_none_is_left_out_behind_our_back() {
    let sha256 = |plus| scram(Hash::Sha256, plus);
    let rows: &[(bool, bool, &str, Result<(), Fault>)] = &[
        (true, true, "p=tls-exporter,,n=u,r=x", Ok(())),
        (true, true, "p=tls-server-end-point,,n=u,r=x", Ok(())),
        (true, true, "p=tls-unique,,n=u,r=x", Err(Fault::Mismatch)),
        (true, false, "p=tls-exporter,,n=u,r=x", Err(Fault::Mismatch)),
        (true, true, "n,,n=u,r=x", Err(Fault::Malformed)),
        (true, true, "y,,n=u,r=x", Err(Fault::Malformed)),
        (
            false,
            true,
            "p=tls-exporter,,n=u,r=x",
            Err(Fault::Malformed),
        ),
        (false, true, "n,,n=u,r=x", Ok(())),
        (false, false, "y,,n=u,r=x", Ok(())),
        (false, true, "y,,n=u,r=x", Err(Fault::Mismatch)),
    ];
    for (plus, tls, first, expected) in rows {
        let bindings = if *tls { bound() } else { Bindings::default() };
        let begun = challenged(sha256(*plus), bindings, first).map(|_| ());
        assert_eq!(&begun, expected, "{plus} {tls} {first}");
    }
    let first = "p=tls-exporter,,n=u,r=x";
    for (channel, expected) in [
        ("p=tls-exporter,,exported", true),
        ("p=tls-exporter,,end point", false),
        ("p=tls-exporter,,", false),
        ("p=tls-server-end-point,,end point", false),
        ("n,,", false),
    ] {
        let mut exchange = challenged(sha256(true), bound(), first).unwrap();
        let last = format!("c={},r=xSERVER,p=AAAA", STANDARD.encode(channel));
        assert_eq!(proof(&mut exchange, &last).is_ok(), expected, "{channel}");
    }
}

#[test]
fn names_are_unescaped_and_authorization_is_told() {
    let mut exchange = Exchange::new(scram(Hash::Sha1, false), Bindings::default());
    let step = exchange.respond(b"n,a=o=2Cne,n=b=3Dob@example.test,r=x,future=1");
    let Ok(Step::Parameters(login)) = step else {
        panic!("{step:?}");
    };
    assert_eq!(login.authorization, "o,ne");
    assert_eq!(login.login, "b=ob@example.test");
}

#[test]
fn what_is_not_scram_is_malformed() {
    let long = format!("n,,n=u,r={}", "x".repeat(257));
    for first in [
        "",
        "n",
        "n,",
        "n,,",
        "x,,n=u,r=x",
        "n,b,n=u,r=x",
        "n,,m=1,n=u,r=x",
        "n,,n=,r=x",
        "n,,n=u",
        "n,,n=u,r=",
        "n,,n=u,r=a b",
        "n,,n=u=,r=x",
        "n,,n=u=2c,r=x",
        "n,,r=x,n=u",
        "n,a=,n=u,r=x",
        long.as_str(),
    ] {
        let begun = challenged(scram(Hash::Sha1, false), Bindings::default(), first);
        assert_eq!(begun.map(|_| ()), Err(Fault::Malformed), "{first}");
    }
    for (last, fault) in [
        ("c=biws,r=xSERVER", Fault::Malformed),
        ("c=biws,p=AAAA", Fault::Malformed),
        ("c=b!,r=xSERVER,p=AAAA", Fault::Malformed),
        ("c=biws,r=xSERVER,p=!", Fault::Malformed),
        ("c=biws,r=x,p=AAAA", Fault::Mismatch),
        ("c=biws,r=xSERVERx,p=AAAA", Fault::Mismatch),
        ("c=eSws,r=xSERVER,p=AAAA", Fault::Mismatch),
    ] {
        let mut exchange =
            challenged(scram(Hash::Sha1, false), Bindings::default(), "n,,n=u,r=x").unwrap();
        assert_eq!(proof(&mut exchange, last), Err(fault), "{last}");
        // A second guess is not taken.
        assert_eq!(exchange.respond(last.as_bytes()), Err(Fault::Malformed));
    }
}

#[test]
fn answers_that_nobody_asked_for_change_nothing() {
    let mut exchange = Exchange::new(scram(Hash::Sha1, false), Bindings::default());
    assert_eq!(exchange.proved(b"x"), None);
    assert_eq!(exchange.parameters(b"salt", 1, "x"), None);
    let mut plain = Exchange::new(Mechanism::Plain, Bindings::default());
    assert_eq!(plain.proved(b"x"), None);
    assert!(matches!(
        plain.respond(b"\0bob\0secret"),
        Ok(Step::Password(_))
    ));
}
