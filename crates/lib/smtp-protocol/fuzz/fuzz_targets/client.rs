//! A hostile server and the client: the client never panics, never sends the server's text as a command,
//! sends nothing in the clear if TLS is required, and counts no recipient as accepted before the content
//! was sent.
//!
//! The first octet selects the options of the session.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use smtp_protocol::client::{
    Answer, ClientError, Envelope, Event, Login, Options, Recipient, ReturnContent, Session, Stage,
    TlsUse,
};

const CONTENT: &[u8] = b"Subject: x\r\n\r\n.\r\nd\xf6ts\r\n";

fuzz_target!(|input: (u8, &[u8])| {
    let (flags, said) = input;
    // A server whose replies arrive one by one is handled the same, however slow it is.
    let by_line = Conversation::lead(flags, said.split_inclusive(|&octet| octet == b'\n'));
    let by_octet = Conversation::lead(flags, said.chunks(1));
    assert_eq!(by_line, by_octet);
    // A server that does not wait may be rejected for it, which depends on the reads.
    Conversation::lead(flags, std::iter::once(said));
});

#[derive(Debug, Default, PartialEq)]
struct Conversation {
    commands: BytesMut,
    content: BytesMut,
    answers: Vec<Vec<Answer>>,
    error: Option<ClientError>,
}

fn options(flags: u8) -> Options {
    Options {
        helo: "client.test".to_owned(),
        tls: match flags & 3 {
            0 => TlsUse::Never,
            1 => TlsUse::IfOffered,
            _ => TlsUse::Required,
        },
        tls_active: flags & 3 == 3,
        login: (flags & 4 != 0).then(|| Login {
            user: "office".to_owned(),
            password: "secret".to_owned(),
        }),
    }
}

fn envelope(flags: u8) -> Envelope {
    let recipient = |address: &str| Recipient {
        address: address.to_owned(),
        notify: 5,
        original: format!("rfc822;{address}"),
    };
    Envelope {
        reverse_path: "a@client.test".to_owned(),
        recipients: ["b@mx.test", "c@mx.test"].map(recipient).into(),
        size: CONTENT.len() as u64,
        eight_bit: true,
        smtputf8: flags & 8 != 0,
        require_tls: flags & 16 != 0,
        return_content: Some(ReturnContent::Headers),
        envelope_id: "id".to_owned(),
        ..Envelope::default()
    }
}

impl Conversation {
    fn lead<'a>(flags: u8, pieces: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut conversation = Self::default();
        let mut session = Session::new(options(flags));
        let mut input = BytesMut::new();
        for piece in pieces {
            input.extend_from_slice(piece);
            let goes_on = conversation.go_on(&mut session, flags, &mut input);
            conversation.check(&session, flags);
            if !goes_on {
                break;
            }
        }
        conversation
    }

    /// Handles the available input; false when the session is over.
    fn go_on(&mut self, session: &mut Session, flags: u8, input: &mut BytesMut) -> bool {
        let mut sent = false;
        loop {
            match session.advance(input, &mut self.commands) {
                Ok(Event::NeedInput) => return true,
                Ok(Event::StartTls) => session.tls_started(&mut self.commands),
                Ok(Event::Ready) if self.answers.len() < 3 => {
                    session.begin(envelope(flags), &mut self.commands)
                }
                Ok(Event::Ready) => {
                    session.quit(&mut self.commands);
                    return false;
                }
                Ok(Event::SendContent) => {
                    let (one, two) = CONTENT.split_at(15);
                    for piece in [one, two] {
                        assert_eq!(session.content(piece, &mut self.content), Ok(()));
                    }
                    assert_eq!(session.content_end(&mut self.content), Ok(()));
                    sent = true;
                }
                Ok(Event::Done(answers)) => {
                    assert_eq!(answers.len(), 2);
                    assert!(
                        !answers
                            .iter()
                            .any(|answer| answer.reply.is_positive()
                                && answer.stage != Stage::Content)
                    );
                    self.answers.push(answers);
                }
                Err(error) => {
                    for answer in session.answers_so_far().iter().flatten() {
                        assert!(!answer.reply.is_positive() || !self.content.is_empty() || sent);
                    }
                    self.error = Some(error);
                    return false;
                }
            }
        }
    }

    fn check(&self, session: &Session, flags: u8) {
        let taken = self
            .answers
            .iter()
            .filter(|answers| answers.iter().any(|answer| answer.reply.is_positive()));
        let ends = self
            .content
            .windows(8)
            .filter(|window| window == b"Subject:")
            .count();
        assert!(taken.count() <= ends, "taken without the content");
        for line in self.commands.split_inclusive(|&octet| octet == b'\n') {
            let command = line
                .strip_suffix(b"\r\n")
                .expect("a command ends with CRLF");
            assert!(!command.iter().any(u8::is_ascii_control));
            assert!(is_ours(command), "{}", command.escape_ascii());
            if flags & 3 == 2 && !session.is_tls() {
                assert!(command.starts_with(b"EHLO") || command == b"STARTTLS");
            }
        }
    }
}

/// The server's text is never sent back.
fn is_ours(command: &[u8]) -> bool {
    const KNOWN: [&[u8]; 8] = [
        b"EHLO client.test",
        b"HELO client.test",
        b"STARTTLS",
        b"AUTH LOGIN",
        b"AUTH PLAIN AG9mZmljZQBzZWNyZXQ=",
        b"b2ZmaWNl",
        b"c2VjcmV0",
        b"QUIT",
    ];
    const VERBS: [&[u8]; 6] = [
        b"MAIL FROM:<a@client.test>",
        b"RCPT TO:<",
        b"DATA",
        b"BDAT ",
        b"RSET",
        b".",
    ];
    KNOWN.contains(&command) || VERBS.iter().any(|verb| command.starts_with(verb))
}
