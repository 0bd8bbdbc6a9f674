//! A whole session: no panic, the same result at every fragmentation, an answer to each command, deletion
//! only of marked messages, and plain text after STLS has no effect.
//!
//! The first octet selects the listener's settings.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pop3_protocol::dots::Stuffer;
use pop3_protocol::server::reply::{message_follows, top_follows};
use pop3_protocol::server::{Action, Maildrop, MaildropMessage, Refusal, Session, Settings, Top};
use sasl::{Mechanisms, Response};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.\r\ndots\r\n";

fuzz_target!(|input: (u8, &[u8])| {
    let (flags, octets) = input;
    let single = play(flags, octets.chunks(1));
    let by_line = play(flags, octets.split_inclusive(|&octet| octet == b'\n'));
    assert_eq!(by_line.outcome(), single.outcome());
    // Input that arrives with STLS is dropped. A waiting client, like the first one, sends everything.
    let whole = play(flags, std::iter::once(octets));
    let heard = single.secured_at.unwrap_or(octets.len());
    let alone = play(flags, std::iter::once(&octets[..heard]));
    assert_eq!(whole.outcome(), alone.outcome());
});

fn play<'a>(flags: u8, pieces: impl Iterator<Item = &'a [u8]>) -> Driver {
    let mut driver = Driver::default();
    let mut session = Session::new(Settings {
        tls_available: flags & 1 != 0,
        tls_on: flags & 3 == 2,
        plaintext_auth: flags & 4 != 0,
    });
    session.set_mechanisms(Mechanisms::ALL);
    for piece in pieces {
        let before = driver.said.len();
        let closed = driver.closed;
        driver.take(&mut session, piece);
        assert!(
            !closed || driver.said.len() == before,
            "nothing is said behind the end"
        );
    }
    driver
}

#[derive(Default)]
struct Driver {
    input: BytesMut,
    said: BytesMut,
    taken: usize,
    deleted: Vec<u32>,
    closed: bool,
    secured_at: Option<usize>,
}

impl Driver {
    fn outcome(&self) -> (&[u8], &[u32], bool) {
        (&self.said, &self.deleted, self.closed)
    }

    fn take(&mut self, session: &mut Session, piece: &[u8]) {
        self.taken += piece.len();
        if self.closed {
            return;
        }
        self.input.extend_from_slice(piece);
        let mut output = BytesMut::new();
        while !self.closed && self.step(session, &mut output) {}
        self.said.extend_from_slice(&output);
        assert!(self.closed || self.input.len() < sasl::LINE_LIMIT);
        if !output.is_empty() {
            assert!(output.starts_with(b"+") || output.starts_with(b"-ERR"));
            assert!(output.ends_with(b"\r\n"));
        }
    }

    fn step(&mut self, session: &mut Session, output: &mut BytesMut) -> bool {
        match session.next(&mut self.input, output) {
            Action::Read => return false,
            Action::Flush => {
                self.said.extend_from_slice(output);
                output.clear();
            }
            Action::Login(initiation) => match initiation.initial {
                Some(initial) => answer(session, &initial, output),
                None => session.challenge(b"", output),
            },
            Action::Response(response) => answer(session, &response, output),
            Action::LoginRefused(_) => {}
            Action::StartTls => {
                self.input.clear();
                self.secured_at.get_or_insert(self.taken);
                session.tls_started();
            }
            Action::Retrieve { uid, size } => {
                assert!((11..=13).contains(&uid) && size == MESSAGE.len() as u64);
                message_follows(size, output);
                let mut stuffer = Stuffer::default();
                stuffer.push(MESSAGE, output);
                stuffer.finish(output);
            }
            Action::Top { uid, lines } => {
                assert!((11..=13).contains(&uid));
                top_follows(output);
                let mut top = Top::new(lines);
                let mut stuffer = Stuffer::default();
                stuffer.push(top.push(MESSAGE), output);
                stuffer.finish(output);
            }
            Action::Commit(uids) => {
                assert!(!uids.is_empty() && uids.is_sorted());
                self.deleted.extend(uids);
                session.committed(true, output);
            }
            Action::Close => self.closed = true,
        }
        true
    }
}

/// Chosen by the last octets of the client's response.
fn answer(session: &mut Session, response: &Response, output: &mut BytesMut) {
    let said = response.octets();
    let refusal = match said {
        [.., b'e', b't'] => return session.accept(maildrop(), output),
        [.., b'o', b'n'] => return session.challenge(said, output),
        [.., b'n', b'o'] => {
            return session.refuse_after_challenge(said, Refusal::Failed, output);
        }
        [.., b'o', b'w'] => Refusal::Slow(3),
        [.., b'e', b'd'] => Refusal::InUse,
        [.., b'w', b'n'] => Refusal::Unavailable,
        [.., b'?'] => Refusal::Malformed,
        _ => Refusal::Wrong,
    };
    session.refuse(refusal, output);
}

fn maildrop() -> Maildrop {
    let message = |uid| MaildropMessage {
        uid,
        size: MESSAGE.len() as u64,
    };
    Maildrop::new(7, [11, 12, 13].map(message).into())
}
