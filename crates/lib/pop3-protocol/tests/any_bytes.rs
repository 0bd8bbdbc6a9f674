//! Whatever a peer says, nothing panics, nothing grows, and sessions end.

use bytes::BytesMut;
use pop3_protocol::client::{LONGEST_LINE, Listing, Reply};
use pop3_protocol::server::{Action, Maildrop, MaildropMessage, Refusal, Session, Settings};
use proptest::prelude::*;
use sasl::Mechanisms;

/// Bytes with a good chance of being commands.
fn said() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "USER x",
        "PASS x",
        "AUTH PLAIN",
        "AUTH SCRAM-SHA-1",
        "AUTH PLAIN AGJvYgBiYg==",
        "AGJvYgBiYg==",
        "*",
        "STAT",
        "LIST",
        "LIST 2",
        "UIDL",
        "UIDL 1",
        "RETR 1",
        "TOP 1 3",
        "DELE 2",
        "RSET",
        "NOOP",
        "QUIT",
        "CAPA",
        "STLS",
        "AUTH",
    ]);
    let piece = prop_oneof![
        8 => word.prop_map(|word| format!("{word}\r\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => Just(vec![b'x'; 13_000]),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_session_answers_or_ends(said in said(), size in 1..200_usize, refused in any::<bool>()) {
        let mut session = Session::new(Settings {
            tls_available: true,
            tls_on: false,
            plaintext_auth: true,
        });
        session.set_mechanisms(Mechanisms::ALL);
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        'said: for piece in said.chunks(size) {
            input.extend_from_slice(piece);
            loop {
                prop_assert!(output.len() < 80_000);
                match session.next(&mut input, &mut output) {
                    Action::Read => break,
                    Action::Flush => output.clear(),
                    Action::Login(login) if login.initial.is_none() => {
                        session.challenge(b"challenge", &mut output);
                    }
                    Action::Response(_) if refused && size % 2 == 0 => {
                        let refusal = Refusal::Failed;
                        session.refuse_after_challenge(b"why", refusal, &mut output);
                    }
                    Action::Login(_) | Action::Response(_) if refused => {
                        session.refuse(Refusal::Wrong, &mut output);
                    }
                    Action::Login(_) | Action::Response(_) => {
                        let message = |uid| MaildropMessage { uid, size: u64::from(uid) };
                        let messages = [1, 2, 7].map(message).to_vec();
                        session.accept(Maildrop::new(1, messages), &mut output);
                    }
                    Action::StartTls => {
                        input.clear();
                        session.tls_started();
                    }
                    Action::LoginRefused(_) | Action::Retrieve { .. } | Action::Top { .. } => {}
                    Action::Commit(uids) => {
                        prop_assert!(!uids.is_empty());
                        session.committed(true, &mut output);
                    }
                    Action::Close => break 'said,
                }
            }
            prop_assert!(input.len() < sasl::LINE_LIMIT + size);
        }
        // Every line that was said is whole.
        prop_assert!(output.is_empty() || output.ends_with(b"\r\n"));
    }

    #[test]
    fn a_client_reads_or_refuses(said in prop::collection::vec(any::<u8>(), 0..300)) {
        let input = || BytesMut::from(&said[..]);
        for found in [
            Reply::take(&mut input()).map(|found| found.is_some()),
            Listing::take_uidl(&mut input()).map(|found| found.is_some()),
            Listing::take_size(&mut input()).map(|found| found.is_some()),
            Listing::take_capability(&mut input()).map(|found| found.is_some()),
        ] {
            prop_assert!(found != Ok(false) || said.len() < LONGEST_LINE);
        }
    }
}
