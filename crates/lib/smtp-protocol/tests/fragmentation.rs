//! However the octets of a session are cut up on their way, the same is said and done.

mod peer;

use peer::Server;
use proptest::prelude::*;

/// Pieces of which sessions are made: good, bad, and pieces that only together make sense.
/// Without STARTTLS: it drops what came with it, which depends on the cut by design.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"EHLO client.test\r\n",
        b"HELO client.test\r\n",
        b"MAIL FROM:<a@client.test>\r\n",
        b"MAIL FROM:<a@client.test> SIZE=10 SMTPUTF8\r\n",
        b"MAIL FROM:<a@client.test> BODY=BINARYMIME\r\n",
        b"MAIL FROM:<a@client.test> HOLDFOR=60 BY=90;RT MT-PRIORITY=9\r\n",
        b"RCPT TO:<b@mx.test>\r\n",
        b"RCPT TO:<nobody@mx.test>\r\n",
        b"DATA\r\n",
        b"BDAT 5\r\n",
        b"BDAT 3 LAST\r\n",
        b"BDAT x\r\n",
        b"AUTH PLAIN\r\n",
        b"AGIAc2VjcmV0\r\n",
        b"ETRN three.test\r\n",
        b"ETRN @many.test\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"text\r\n",
        b"..dots\r\n",
        b".\r\n",
        b"\r\n.\r\n",
        b"\n",
        b"\r",
        b".",
        b"\0",
        b"\n.\n",
        b"QUIT\r\n",
    ];
    prop_oneof![
        12 => proptest::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => (1usize..2000).prop_map(|n| vec![b'x'; n]),
    ]
}

fn session() -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), proptest::collection::vec(word(), 0..40)).prop_map(|(open, words)| {
        let start: &[u8] = if open {
            b"HELO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<b@mx.test>\r\nDATA\r\n"
        } else {
            b""
        };
        [start.to_vec(), words.concat()].concat()
    })
}

fn outcome(octets: &[u8], cuts: &[usize]) -> (String, Vec<String>) {
    let mut server = Server::new();
    let mut said = Vec::new();
    let mut at = 0;
    for &length in cuts.iter().cycle() {
        if at == octets.len() {
            break;
        }
        let end = octets.len().min(at + length);
        said.extend(server.take(&octets[at..end]));
        at = end;
    }
    (said.escape_ascii().to_string(), server.log)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fragmentation_never_changes_the_result(
        octets in session(),
        cuts in proptest::collection::vec(1usize..50, 1..20),
    ) {
        let whole = outcome(&octets, &[usize::MAX / 2]);
        prop_assert_eq!(&whole, &outcome(&octets, &[1]));
        prop_assert_eq!(&whole, &outcome(&octets, &cuts));
    }

    /// A reply is one of three digits, and nothing that came from the client is in it.
    #[test]
    fn replies_are_well_formed(octets in session()) {
        let mut server = Server::new();
        let said = server.take(&octets);
        let text = String::from_utf8(said).map_err(|e| TestCaseError::fail(e.to_string()))?;
        for line in text.split_terminator("\r\n") {
            prop_assert!(line.len() >= 4 && line.is_ascii() && line.len() < 510, "{}", line);
            prop_assert!(line[..3].bytes().all(|b| b.is_ascii_digit()), "{}", line);
            prop_assert!(matches!(line.as_bytes()[3], b' ' | b'-'), "{}", line);
            prop_assert!(!line.bytes().any(|b| b.is_ascii_control()), "{}", line);
        }
    }
}
