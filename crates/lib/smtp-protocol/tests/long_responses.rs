//! AUTH's lines have a limit of their own (RFC 4954 §4): a token fits, and no more is kept.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

mod peer;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use peer::{Server, TERMS};
use sasl::{ConnectionState, Mechanisms};
use smtp_protocol::server::Terms;

fn server() -> Server {
    let mut server = Server::new();
    server.session.set_terms(Terms {
        auth: true,
        mechanisms: Mechanisms::ALL.on(ConnectionState {
            tls: true,
            ..ConnectionState::default()
        }),
        ..TERMS
    });
    server.take(b"HELO client.test\r\n");
    server
}

fn xoauth2(token: usize) -> String {
    let token = "x".repeat(token);
    STANDARD.encode(format!("user=bob\u{1}auth=Bearer {token}\u{1}\u{1}"))
}

fn codes(answer: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(answer).unwrap();
    text.lines().map(|line| &line[..3]).collect()
}

#[test]
fn a_token_of_the_usual_size_is_read_in_one_line_or_two() {
    let response = xoauth2(8000);
    let answer = server().take(format!("AUTH XOAUTH2 {response}\r\n").as_bytes());
    assert_eq!(codes(&answer), ["334"]);
    let mut server = server();
    assert_eq!(codes(&server.take(b"AUTH XOAUTH2\r\n")), ["334"]);
    assert_eq!(
        codes(&server.take(format!("{response}\r\n").as_bytes())),
        ["334"]
    );
    assert!(server.log.iter().any(|line| line.starts_with("refused")));
}

#[test]
fn a_longer_one_is_refused_and_ends_the_exchange() {
    let response = xoauth2(20_000);
    for early in [true, false] {
        let mut server = server();
        if early {
            let line = format!("AUTH XOAUTH2 {response}\r\n");
            assert_eq!(codes(&server.take(line.as_bytes())), ["500"]);
        } else {
            assert_eq!(codes(&server.take(b"AUTH XOAUTH2\r\n")), ["334"]);
            let line = format!("{response}\r\n");
            let answer = server.take(line.as_bytes());
            // RFC 4954 §6.
            assert!(answer.starts_with(b"500 5.5.6 "));
            assert_eq!(codes(&answer), ["500"]);
        }
        assert_eq!(codes(&server.take(b"NOOP\r\n")), ["250"]);
        assert!(!server.session.is_authenticated());
    }
}
