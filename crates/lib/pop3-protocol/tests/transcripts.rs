//! Sessions as a reader would write them down, with the client's bytes cut in several ways.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use bytes::BytesMut;
use pop3_protocol::dots::Stuffer;
use pop3_protocol::server::{
    Action, Login, Maildrop, MaildropMessage, Refusal, Session, Settings, Top, reply,
};
use test_kit::Transcript;
use test_kit::transcript::Peer;

const HEADER: &[u8] = b"Subject: dots\r\n\r\n";
const TEXT: &[u8] = b"one\r\n.two\r\n...\r\nfour\r\n";

/// Drives a session over a maildrop of three messages; all messages have the same bytes.
struct Driver {
    session: Session,
    input: BytesMut,
    output: BytesMut,
    deleted: Vec<u32>,
    closed: bool,
}

impl Driver {
    fn new(settings: Settings) -> Self {
        let session = Session::new(settings);
        let mut output = BytesMut::new();
        session.greet(&mut output);
        Self {
            session,
            input: BytesMut::new(),
            output,
            deleted: Vec::new(),
            closed: false,
        }
    }

    fn log_in(&mut self, login: &Login) {
        let refusal = match (login.user.as_str(), login.password.as_str()) {
            ("bob", "pass word") => None,
            ("busy", _) => Some(Refusal::InUse),
            ("slow", _) => Some(Refusal::Slow(30)),
            ("down", _) => Some(Refusal::Unavailable),
            _ => Some(Refusal::Wrong),
        };
        match refusal {
            Some(refusal) => self.session.refuse(refusal, &mut self.output),
            None => {
                let size = (HEADER.len() + TEXT.len()) as u64;
                let messages = [3, 5, 9].map(|uid| MaildropMessage { uid, size });
                let maildrop = Maildrop::new(77, messages.to_vec());
                self.session.accept(maildrop, &mut self.output);
            }
        }
    }

    fn send(&mut self, lines: Option<u64>) {
        let mut stuffer = Stuffer::default();
        stuffer.push(HEADER, &mut self.output);
        match lines {
            None => stuffer.push(TEXT, &mut self.output),
            Some(lines) => stuffer.push(Top::new(lines).push(TEXT), &mut self.output),
        }
        stuffer.finish(&mut self.output);
    }

    fn drive(&mut self) {
        while !self.closed {
            match self.session.next(&mut self.input, &mut self.output) {
                Action::Read => return,
                Action::Flush => {}
                Action::Login(login) => self.log_in(&login),
                Action::StartTls => {
                    self.input.clear();
                    return;
                }
                Action::Retrieve { size, .. } => {
                    reply::message_follows(size, &mut self.output);
                    self.send(None);
                }
                Action::Top { lines, .. } => {
                    reply::top_follows(&mut self.output);
                    self.send(Some(lines));
                }
                Action::Commit(uids) => {
                    self.deleted = uids;
                    self.session.committed(true, &mut self.output);
                }
                Action::Close => self.closed = true,
            }
        }
    }
}

impl Peer for Driver {
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.input.extend_from_slice(bytes);
        self.drive();
        self.output.split().to_vec()
    }

    fn event(&mut self, what: &str) -> Vec<u8> {
        match what {
            "tls" => {
                self.session.tls_started();
                self.drive();
            }
            "closed" => assert!(self.closed),
            "open" => assert!(!self.closed),
            other => {
                let uids = other.strip_prefix("deleted ").unwrap();
                assert_eq!(format!("{:?}", self.deleted), uids);
            }
        }
        self.output.split().to_vec()
    }
}

const PLAIN: Settings = Settings {
    tls_available: false,
    tls_on: false,
    plaintext_auth: true,
};

const STLS: Settings = Settings {
    tls_available: true,
    tls_on: false,
    plaintext_auth: false,
};

fn play(text: &str, settings: Settings) {
    Transcript::parse(text).run(|| Driver::new(settings));
}

#[test]
fn a_session_from_greeting_to_goodbye() {
    play(include_str!("transcripts/session.txt"), PLAIN);
}

#[test]
fn what_is_deleted_goes_at_quit_and_not_before() {
    play(include_str!("transcripts/delete.txt"), PLAIN);
}

#[test]
fn a_password_is_asked_for_under_tls_alone() {
    play(include_str!("transcripts/stls.txt"), STLS);
}

#[test]
fn sasl_plain_logs_in() {
    play(include_str!("transcripts/auth.txt"), PLAIN);
}

#[test]
fn mistakes_are_answered_and_too_many_end_the_session() {
    play(include_str!("transcripts/mistakes.txt"), PLAIN);
}

#[test]
fn three_wrong_passwords_end_the_session() {
    play(include_str!("transcripts/guessing.txt"), PLAIN);
}

#[test]
fn a_listing_of_a_huge_maildrop_is_said_in_pieces() {
    let mut session = Session::new(PLAIN);
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    input.extend_from_slice(b"USER bob\r\nPASS x\r\nUIDL\r\nNOOP\r\n");
    let (mut largest, mut total) = (0, 0);
    loop {
        match session.next(&mut input, &mut output) {
            Action::Login(_) => {
                let messages = (1..=200_000).map(|uid| MaildropMessage { uid, size: 1 });
                session.accept(Maildrop::new(1, messages.collect()), &mut output);
            }
            Action::Flush => {
                largest = largest.max(output.len());
                total += output.split().len();
            }
            Action::Read => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(output.ends_with(b"200000 1.200000\r\n.\r\n+OK\r\n"));
    assert!(largest < 70_000, "{largest}");
    assert!(total > 2_000_000);
}
