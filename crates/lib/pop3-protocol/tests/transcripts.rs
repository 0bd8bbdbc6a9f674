//! Sessions as a reader would write them down, with the client's bytes cut in several ways.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use bytes::BytesMut;
use pop3_protocol::dots::Stuffer;
use pop3_protocol::server::{
    Action, Maildrop, MaildropMessage, Refusal, Session, Settings, Top, reply,
};
use sasl::{
    Bindings, ConnectionState, Exchange, Fault, Initiation, Mechanisms, Response, Step, TokenFault,
    TokenRefusal,
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
    login: Option<Exchange>,
}

impl Driver {
    fn new(settings: Settings) -> Self {
        let mut session = Session::new(settings);
        session.set_mechanisms(mechanisms(settings.tls_on));
        let mut output = BytesMut::new();
        session.greet(&mut output);
        Self {
            session,
            input: BytesMut::new(),
            output,
            deleted: Vec::new(),
            closed: false,
            login: None,
        }
    }

    fn begin(&mut self, initiation: Initiation) {
        let exchange = Exchange::new(initiation.mechanism, Bindings::default());
        let begun = exchange.begin();
        self.login = Some(exchange);
        match initiation.initial {
            Some(initial) => self.respond(initial),
            None => self.follow(Ok(begun)),
        }
    }

    fn respond(&mut self, response: Response) {
        let step = self.login.as_mut().unwrap().respond(response.octets());
        self.follow(step);
    }

    /// As the directory: bob's password is "pass word", his token "good".
    fn follow(&mut self, step: Result<Step, Fault>) {
        let exchange = self.login.as_mut().unwrap();
        let challenge = match step {
            Ok(Step::Challenge(challenge)) => challenge,
            Ok(Step::Parameters(_)) => exchange.parameters(b"salt", 4096, "SERVER").unwrap(),
            Ok(Step::Proof(proof)) if proof.proof == b"good" => exchange.proved(b"ours").unwrap(),
            Ok(Step::Proof(_)) | Err(Fault::Mismatch) => return self.end(Some(Refusal::Wrong)),
            Ok(Step::Password(login)) => return self.check(&login.login, &login.password),
            Ok(Step::Token(token)) if token.token != "good" => {
                let challenge = exchange.token_refused(&TokenRefusal {
                    fault: TokenFault::Invalid,
                    scope: "mail".to_owned(),
                    configuration: String::new(),
                });
                let output = &mut self.output;
                let challenge = challenge.unwrap();
                let failed = Refusal::Failed;
                return self
                    .session
                    .refuse_after_challenge(&challenge, failed, output);
            }
            Ok(Step::External(name)) if !name.is_empty() => return self.end(Some(Refusal::Failed)),
            Ok(_) => return self.end(None),
            Err(Fault::Malformed) => return self.end(Some(Refusal::Malformed)),
        };
        self.session.challenge(&challenge, &mut self.output);
    }

    fn check(&mut self, login: &str, password: &str) {
        let refusal = match (login, password) {
            ("bob", "pass word") => None,
            ("busy", _) => Some(Refusal::InUse),
            ("slow", _) => Some(Refusal::Slow(30)),
            ("down", _) => Some(Refusal::Unavailable),
            _ => Some(Refusal::Wrong),
        };
        self.end(refusal);
    }

    fn end(&mut self, refusal: Option<Refusal>) {
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
                Action::Flush | Action::LoginRefused(_) => {}
                Action::Login(initiation) => self.begin(initiation),
                Action::Response(response) => self.respond(response),
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
                self.session.set_mechanisms(mechanisms(true));
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

/// With tokens and certificates within TLS, and nothing to bind to.
fn mechanisms(tls: bool) -> Mechanisms {
    Mechanisms::ALL.on(ConnectionState {
        tls,
        bindings: false,
        certificate: tls,
    })
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
fn mechanisms_of_several_steps_log_in() {
    play(include_str!("transcripts/scram.txt"), PLAIN);
    play(include_str!("transcripts/login.txt"), PLAIN);
}

#[test]
fn within_tls_there_are_tokens_and_certificates() {
    let within = Settings {
        tls_on: true,
        ..PLAIN
    };
    play(include_str!("transcripts/bearer.txt"), within);
    play(include_str!("transcripts/external.txt"), within);
}

#[test]
fn refused_tokens_are_counted() {
    let within = Settings {
        tls_on: true,
        ..PLAIN
    };
    play(include_str!("transcripts/bearer_refused.txt"), within);
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
