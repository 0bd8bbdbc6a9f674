//! A message that goes by in pieces is verified as one that is held.

use mail_auth::dkim::Canonicalization::{Relaxed, Simple};
use mail_auth::{AuthenticatedMessage, DkimResult};
use mail_authentication::{Method, Methods};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bench::{Bench, session};
use crate::signing::{self, How, signed_by};

const DKIM: Methods = Methods {
    iprev: false,
    spf: false,
    dkim: true,
    dmarc: false,
    arc: false,
};

/// Texts full of what canonicalization changes.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let tokens = proptest::sample::select(vec![
        &b"\r\n"[..],
        b"\r\n\r\n",
        b" ",
        b"\t",
        b"  \r\n",
        b"word",
        b".",
        b"\xff\xc3\xa4",
        b"a rather long stretch of text without an end of line",
    ]);
    proptest::collection::vec(tokens, 0..40).prop_map(|tokens| tokens.concat())
}

fn hows() -> impl Strategy<Value = How> {
    let ways = proptest::sample::select(vec![Simple, Relaxed]);
    (ways.clone(), ways).prop_map(|(header, body)| How {
        header,
        body,
        length: false,
    })
}

/// Leaves one octet of the text out, or none.
fn spoilt(mut message: Vec<u8>, text: usize, at: Option<prop::sample::Index>) -> Vec<u8> {
    if let Some(at) = at
        && text > 0
    {
        message.remove(message.len() - text + at.index(text));
    }
    message
}

#[test]
fn pieces_and_the_whole_end_in_the_same_verdict() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::start(&signing::keys("client.test")));
    let cases = (
        texts(),
        hows(),
        1..40_usize,
        proptest::option::of(any::<prop::sample::Index>()),
    );
    let mut runner = TestRunner::new(Config::with_cases(200));
    runner
        .run(&cases, |(text, how, step, at)| {
            let header = b"From: a@client.test\r\nSubject:  a \r\n folded one\r\n\r\n";
            let message = [&header[..], &text].concat();
            let key = signing::ed25519();
            let message = signed_by(key, "ed", "client.test", how, &message);
            let message = spoilt(message, text.len(), at);
            let (whole, pieces) = runtime.block_on(async {
                let parsed = AuthenticatedMessage::parse(&message).unwrap();
                let by = mail_auth::MessageAuthenticator(bench.resolver());
                let whole = by.verify_dkim(&parsed).await;
                let whole = *whole[0].result() == DkimResult::Pass;
                let session = session("192.0.2.1", "x", "");
                let pieces = bench.check(DKIM, session, &message, step).await;
                let pieces = pieces.of(Method::Dkim).next().unwrap().result;
                (whole, pieces == rules::AuthenticationResult::Pass)
            });
            prop_assert_eq!(whole, pieces);
            prop_assert!(pieces || at.is_some(), "what was not touched holds");
            Ok(())
        })
        .unwrap();
}
