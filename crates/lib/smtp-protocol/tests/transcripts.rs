//! Plays every file of `tests/transcripts`, whole and in fragments down to single octets.

mod peer;

use std::path::Path;

use peer::{Server, TERMS};
use sasl::{Bindings, ConnectionState, Mechanisms};
use smtp_protocol::Reply;
use smtp_protocol::server::{HoldLimit, Offered, Terms};
use test_kit::transcript::{Peer, Transcript};

impl Peer for Server {
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.take(bytes)
    }

    fn event(&mut self, what: &str) -> Vec<u8> {
        match what.split_once(' ').unwrap_or((what, "")) {
            ("TLS", _) => {
                self.session.set_terms(Terms {
                    starttls: false,
                    auth: true,
                    mechanisms: Mechanisms::ALL.without_tokens().on(ConnectionState {
                        tls: true,
                        bindings: true,
                        certificate: false,
                    }),
                    require_tls: true,
                    ..TERMS
                });
                self.session.secured();
                self.bind(Bindings {
                    exporter: Some(b"exported".to_vec()),
                    server_end_point: None,
                });
            }
            ("TLS-with-everything", _) => {
                self.session.secured();
                self.session.set_terms(Terms {
                    starttls: false,
                    auth: true,
                    mechanisms: Mechanisms::ALL.on(ConnectionState {
                        tls: true,
                        bindings: false,
                        certificate: true,
                    }),
                    ..TERMS
                });
            }
            ("submission", _) => self.session.set_terms(Terms {
                starttls: false,
                auth: true,
                auth_required: true,
                offered: Offered {
                    hold: Some(HoldLimit {
                        seconds: 86_400,
                        until: 837_595_405,
                    }),
                    deliver_by: Some(60),
                    priority: true,
                },
                ..TERMS
            }),
            ("trusted", _) => self.session.set_terms(Terms {
                etrn: true,
                ..TERMS
            }),
            ("lenient", _) => self.session.set_terms(Terms {
                lenient: true,
                ..TERMS
            }),
            ("proxy", _) => self.session.set_terms(Terms {
                auth_required: true,
                xclient: true,
                ..TERMS
            }),
            ("drain", _) => {
                assert!(!self.session.is_receiving());
                let reply = Reply::new(421, 3, 2, "Shutting down");
                self.session.close(&reply, &mut self.output);
                return self.take(b"");
            }
            ("receiving", _) => assert!(self.session.is_receiving()),
            ("message", expected) => {
                let message = self.complete.take().unwrap_or_default();
                assert_eq!(message.escape_ascii().to_string(), expected);
            }
            ("log", expected) => assert_eq!(self.log.last().map(String::as_str), Some(expected)),
            ("seen", expected) => assert!(self.log.iter().any(|line| line == expected)),
            ("closed", _) => assert!(self.closed),
            _ => panic!("unknown event {what}"),
        }
        Vec::new()
    }
}

fn play(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/transcripts")
        .join(name)
        .with_extension("txt");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Transcript::parse(&text).run(Server::new);
}

macro_rules! transcripts {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { play(stringify!($name)); })*

        #[test]
        fn every_transcript_is_played() {
            let played = [$(stringify!($name)),*];
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
            let files = std::fs::read_dir(folder).map(|files| files.flatten().collect::<Vec<_>>());
            for file in files.unwrap_or_default() {
                let path = file.path();
                let name = path.file_stem().and_then(|name| name.to_str());
                assert!(name.is_some_and(|name| played.contains(&name)), "{}", path.display());
            }
        }
    };
}

transcripts!(
    auth,
    bdat,
    bdat_size,
    bearer,
    bearer_refused,
    binarymime,
    chunks_and_tls,
    data,
    deliver_by,
    etrn,
    external,
    external_as,
    future_release,
    future_release_values,
    hello,
    idle,
    lenient,
    lenient_line_feeds,
    limits,
    lines,
    mail,
    mt_priority,
    other_protocols,
    pipelining,
    rcpt,
    requiretls,
    scram,
    scram_mismatch,
    sequence,
    size,
    smtputf8,
    smuggling,
    starttls,
    submission,
    verbs,
    xclient,
    xclient_refused,
);
