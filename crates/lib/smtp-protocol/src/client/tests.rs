//! Runs the transcripts in `tests/client`, the server's octets cut in all ways.
//!
//! `S:` is what the server says, `C:` what the client must say by then (`S-` and `C-` without a
//! line end); `O:` are options; `X:` is what the driver does, or must see.

#![allow(clippy::unwrap_used)] // A failing test may panic.

use std::path::Path;

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::DeliverBy;

struct Play {
    session: Session,
    input: BytesMut,
    output: BytesMut,
    event: Result<Event, ClientError>,
}

impl Play {
    fn new(options: &str) -> Self {
        let tls = if options.contains("tls=required") {
            TlsUse::Required
        } else if options.contains("tls=never") {
            TlsUse::Never
        } else {
            TlsUse::IfOffered
        };
        let login = options.contains("login").then(|| Login {
            user: "office".to_owned(),
            password: "secret".to_owned(),
        });
        let session = Session::new(Options {
            helo: "us.example.test".to_owned(),
            tls,
            tls_active: false,
            login,
        });
        Self {
            session,
            input: BytesMut::new(),
            output: BytesMut::new(),
            event: Ok(Event::NeedInput),
        }
    }

    fn advance(&mut self) {
        self.event = self.session.advance(&mut self.input, &mut self.output);
    }

    fn hear(&mut self, octets: &[u8], piece: usize) {
        // What was not asked for has to arrive with the reply to be told from the next one.
        let piece = if octets.ends_with(b"unasked\r\n") {
            octets.len()
        } else {
            piece
        };
        for piece in octets.chunks(piece) {
            self.input.extend_from_slice(piece);
            self.advance();
        }
    }

    fn begin(&mut self, kind: &str, recipients: &str) {
        let dsn = self.session.extensions().dsn;
        let envelope = Envelope {
            reverse_path: "a@example.test".to_owned(),
            recipients: recipients
                .split(' ')
                .map(|address| Recipient {
                    address: address.to_owned(),
                    notify: if dsn { 5 } else { 0 },
                    original: "rfc822;o@x".to_owned(),
                })
                .collect(),
            size: 13,
            eight_bit: false,
            binary: kind == "begin-binary",
            smtputf8: kind == "begin-utf8",
            require_tls: kind == "begin-require-tls",
            return_content: Some(ReturnContent::Headers),
            envelope_id: "QQ".to_owned(),
            deliver_by: match kind {
                "begin-return" => DeliverBy::parse("90;R"),
                "begin-notify" => DeliverBy::parse("-3;NT"),
                _ => None,
            },
            priority: if kind == "begin-urgent" { 6 } else { 0 },
        };
        self.session.begin(envelope, &mut self.output);
        self.advance();
    }

    fn act(&mut self, what: &str) {
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        match verb {
            "ready" => assert_eq!(self.event, Ok(Event::Ready)),
            "tls" => {
                assert_eq!(self.event, Ok(Event::StartTls));
                self.session.tls_started(&mut self.output);
                self.advance();
            }
            "content" => {
                assert_eq!(self.event, Ok(Event::SendContent));
                let octets = octets(rest);
                self.session.content(&octets, &mut self.output).unwrap();
                self.session.content_end(&mut self.output).unwrap();
                self.advance();
            }
            "done" => {
                let Ok(Event::Done(answers)) = &self.event else {
                    panic!("not done: {:?}", self.event);
                };
                let said: Vec<String> = answers
                    .iter()
                    .map(|answer| format!("{:?} {}", answer.stage, answer.reply))
                    .collect();
                assert_eq!(said.join("; "), rest);
            }
            "error" => {
                let error = self.event.as_ref().unwrap_err();
                assert_eq!(error.to_string(), rest);
            }
            "over" => assert!(!self.session.is_ready()),
            "quit" => self.session.quit(&mut self.output),
            _ => self.begin(verb, rest),
        }
    }
}

fn octets(text: &str) -> Vec<u8> {
    text.replace("\\r", "\r").replace("\\n", "\n").into_bytes()
}

fn play(transcript: &str, piece: usize) {
    let mut play = Play::new("");
    let mut heard = Vec::new();
    for line in transcript.lines().filter(|line| !line.starts_with('#')) {
        let Some((kind, text)) = line.split_at_checked(2) else {
            continue;
        };
        let text = text.strip_prefix(' ').unwrap_or(text);
        if !kind.starts_with('S') && !heard.is_empty() {
            play.hear(&std::mem::take(&mut heard), piece);
        }
        if !kind.starts_with('C') && !kind.starts_with('O') {
            assert_eq!(play.output.escape_ascii().to_string(), "", "before: {line}");
        }
        match kind {
            "S:" => heard.extend([text.as_bytes(), b"\r\n"].concat()),
            "S-" => heard.extend(octets(text)),
            "C:" | "C-" => {
                let mut said = octets(text);
                if kind == "C:" {
                    said.extend_from_slice(b"\r\n");
                }
                let length = said.len().min(play.output.len());
                let output = play.output.split_to(length);
                assert_eq!(
                    output.escape_ascii().to_string(),
                    said.escape_ascii().to_string()
                );
            }
            "O:" => play = Play::new(text),
            "X:" => play.act(text),
            _ => panic!("{line}"),
        }
    }
    assert!(
        heard.is_empty(),
        "a transcript ends with what the client does"
    );
}

#[test]
fn sessions_go_as_written_down_however_the_replies_are_cut() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let transcript = std::fs::read_to_string(&path).unwrap();
        for piece in [1, 2, 3, 7, 40, usize::MAX] {
            play(&transcript, piece);
        }
        played += 1;
    }
    assert!(played >= 10);
}

#[test]
fn a_reply_without_end_is_given_up() {
    let mut play = Play::new("");
    play.hear(&[b'2'; 5_000], 512);
    assert_eq!(play.event, Err(ClientError::BadReply));

    let mut play = Play::new("");
    play.hear(&b"220-and so on\r\n".repeat(10_000), 4_096);
    assert_eq!(play.event, Err(ClientError::BadReply));
}

#[test]
fn refusals_are_known_when_the_session_breaks_off() {
    let mut play = Play::new("");
    play.hear(b"220 mx\r\n", usize::MAX);
    play.hear(b"250-mx\r\n250 PIPELINING\r\n", usize::MAX);
    play.begin("begin", "bob@other.test eve@other.test");
    play.hear(b"250 ok\r\n550 no\r\n", usize::MAX);
    let answers = play.session.answers_so_far();
    assert_eq!(
        answers[0].as_ref().map(|answer| answer.reply.code),
        Some(550)
    );
    assert_eq!(answers[1], None);
}

proptest! {
    #[test]
    fn no_server_can_make_a_session_panic(
        lines in proptest::collection::vec("(220|250|354|421|550|5x0)[- a](PIPELINING|CHUNKING|STARTTLS|5\\.1\\.1 x)?", 0..30),
    ) {
        let mut play = Play::new("");
        for line in lines {
            play.hear(&[line.as_bytes(), b"\r\n"].concat(), 5);
            match &play.event {
                Ok(Event::Ready) => play.begin("begin", "bob@other.test eve@other.test"),
                Ok(Event::StartTls) => play.session.tls_started(&mut play.output),
                Ok(Event::SendContent) => {
                    let _ = play.session.content(b"0123456789abc", &mut play.output);
                    let _ = play.session.content_end(&mut play.output);
                }
                Ok(Event::Done(answers)) => prop_assert_eq!(answers.len(), 2),
                Ok(Event::NeedInput) => {}
                Err(_) => break,
            }
        }
    }
}
