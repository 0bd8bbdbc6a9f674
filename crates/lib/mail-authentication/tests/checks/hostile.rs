//! Whatever is sent, the checks come to an end, and what they tell is one field.

use mail_authentication::without_forged;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bench::{ALL, Bench, session};
use crate::signing;

/// Header sections that look like signatures.
fn headers() -> impl Strategy<Value = Vec<u8>> {
    let tokens = proptest::sample::select(vec![
        &b"\r\n"[..],
        b"DKIM-Signature: ",
        b"ARC-Seal: i=1; cv=none; ",
        b"ARC-Message-Signature: i=1; ",
        b"ARC-Authentication-Results: i=1; x",
        b"From: a@client.test\r\n",
        b"From: =?utf-8?q?a?= <\"a@b\"@[192.0.2.1]>, x:y@z;",
        b"Authentication-Results: ",
        b"v=1; a=ed25519-sha256; d=client.test; s=ed; h=from; bh=; b=",
        b"v=1; a=rsa-sha256; c=relaxed/relaxed; d=client.test; s=rsa; h=From:from:x; ",
        b"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA; ",
        b"i=18446744073709551616; l=-1; t=999999999999999999999; x=0; z=",
        b"d=\"; spf=pass\"; d=a b; s=\xff\xfe;",
        b"mail.example.test; ",
        b" ",
        b"\t",
        b"(",
        b"\"",
        b"\\",
        b"\0",
        b"\xc3\xa4.test",
    ]);
    proptest::collection::vec(tokens, 0..40).prop_map(|tokens| tokens.concat())
}

#[test]
fn no_message_stops_the_checks() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::start(&signing::keys("client.test")));
    let mut runner = TestRunner::new(Config::with_cases(500));
    runner
        .run(&(headers(), 1..9_usize), |(header, step)| {
            let message = [&header[..], b"\r\n\r\ntext \r\n"].concat();
            let session = session("192.0.2.1", "client.test", "a@client.test");
            let found = runtime.block_on(bench.check(ALL, session, &message, step));
            let field = found.header_field("mail.example.test");
            let inner = field.strip_suffix("\r\n").unwrap();
            prop_assert!(inner.is_ascii() && field.len() < 64 * 1024);
            for line in inner.split("\r\n").skip(1) {
                prop_assert!(line.starts_with('\t') && !line.contains(['\r', '\n']));
            }
            // A field of ours is taken for ours when it comes back.
            let back = without_forged(field.as_bytes(), "mail.example.test");
            prop_assert!(back.is_empty());
            let _ = without_forged(&header, "mail.example.test");
            Ok(())
        })
        .unwrap();
}
