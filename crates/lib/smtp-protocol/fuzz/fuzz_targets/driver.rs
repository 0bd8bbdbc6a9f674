//! A driver that answers according to the addresses asked about, records input and output, and checks the
//! guarantees of each event.
#![allow(dead_code, reason = "not every target asks for everything")]

use bytes::{Buf as _, BytesMut};
use sasl::{Bindings, Exchange, Fault, Initiation, Mechanisms, Response, Step};
use smtp_protocol::server::{
    Announced, Event, HoldLimit, Limits, Offered, QueueRun, Session, Terms,
};
use smtp_protocol::{Mailbox, Path, Reply};

/// Maximum octets of a message.
pub const SIZE: usize = 4096;
/// Maximum octets of a line of text.
pub const TEXT_LINE: usize = 1000;

const TERMS: Terms = Terms {
    auth: true,
    mechanisms: Mechanisms::ALL,
    auth_required: false,
    xclient: true,
    starttls: true,
    etrn: true,
    require_tls: true,
    lenient: false,
    size: SIZE as u64,
    announced: Announced {
        messages: 100,
        recipients: 100,
    },
    offered: Offered {
        hold: Some(HoldLimit {
            seconds: 3600,
            until: 837_595_405,
        }),
        deliver_by: Some(60),
        priority: true,
    },
    refusals: 0,
};

pub struct Driver {
    pub session: Session,
    login: Option<Exchange>,
    input: BytesMut,
    pub said: BytesMut,
    pub messages: Vec<Vec<u8>>,
    message: Vec<u8>,
    pub closed: bool,
    taken: usize,
    /// Consumed octets when TLS was first started.
    pub secured_at: Option<usize>,
}

impl Driver {
    pub fn new() -> Self {
        let limits = Limits {
            refused_octets: 8192,
            text_line: TEXT_LINE,
            ..Limits::default()
        };
        Self {
            session: Session::new("mx.test", limits, TERMS),
            login: None,
            input: BytesMut::new(),
            said: BytesMut::new(),
            messages: Vec::new(),
            message: Vec::new(),
            closed: false,
            taken: 0,
            secured_at: None,
        }
    }

    /// Consumes octets; the unread rest stays bounded.
    pub fn take(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        self.taken += octets.len();
        while !self.closed && self.step() {}
        assert!(self.closed || self.input.len() <= 12_288);
        assert!(self.message.len() <= SIZE);
    }

    /// The number of replies so far; all output consists of replies.
    pub fn replies(&self) -> usize {
        let mut complete = 0;
        for line in self.said.split_inclusive(|&octet| octet == b'\n') {
            assert!(line.ends_with(b"\r\n"), "a reply's line ends with CRLF");
            let text = &line[..line.len() - 2];
            assert!(!text.iter().any(u8::is_ascii_control), "{text:?}");
            assert!(text.len() >= 4 && text[..3].iter().all(u8::is_ascii_digit));
            complete += usize::from(text[3] == b' ');
        }
        complete
    }

    fn step(&mut self) -> bool {
        match self.session.next(&mut self.input, &mut self.said) {
            Event::NeedInput => return false,
            Event::Close(_) => self.closed = true,
            Event::Content(octets) => {
                self.message.extend_from_slice(&self.input[..octets]);
                self.input.advance(octets);
            }
            Event::Complete => {
                self.messages.push(std::mem::take(&mut self.message));
                self.session.accept(&mut self.said);
            }
            Event::Broken(_) | Event::Reset => self.message.clear(),
            Event::StartTls => self.start_tls(),
            Event::Login(initiation) => self.begin_login(initiation),
            Event::Response(response) => self.respond(response),
            Event::Refused(_) => {}
            Event::Hello => {
                self.message.clear();
                self.session.accept(&mut self.said);
            }
            Event::Mail(mail) => self.answer(&mail.reverse_path, mail.smtputf8),
            // Only the session knows whether SMTPUTF8 was requested.
            Event::Rcpt(rcpt) => self.answer(&rcpt.forward_path, true),
            Event::Verify(Some(mailbox)) => {
                check(&mailbox);
                self.session.verified(mailbox.as_str(), &mut self.said);
            }
            Event::QueueRun(node) => {
                assert!(node.domain.is_ascii() && !node.domain.is_empty());
                let run = QueueRun::Wait(node.domain.len() as u64);
                self.session.queue_run(run, &mut self.said);
            }
            Event::Xclient(_)
            | Event::Verify(None)
            | Event::Begin => self.session.accept(&mut self.said),
        }
        true
    }

    fn begin_login(&mut self, initiation: Initiation) {
        let bindings = Bindings {
            exporter: Some(b"exported".to_vec()),
            server_end_point: None,
        };
        let exchange = Exchange::new(initiation.mechanism, bindings);
        let begun = exchange.begin();
        self.login = Some(exchange);
        match initiation.initial {
            Some(initial) => self.respond(initial),
            None => self.follow(Ok(begun)),
        }
    }

    fn respond(&mut self, response: Response) {
        let exchange = self.login.as_mut().expect("a login is under way");
        let step = exchange.respond(&response.into_octets());
        self.follow(step);
    }

    /// Accepts every well-formed login; tokens only of an even length.
    fn follow(&mut self, step: Result<Step, Fault>) {
        let exchange = self.login.as_mut().expect("a login is under way");
        let said = &mut self.said;
        let challenge = match step {
            Ok(Step::Challenge(challenge)) => Some(challenge),
            Ok(Step::Parameters(_)) => exchange.parameters(b"salt", 4096, "SERVER"),
            Ok(Step::Proof(_)) => exchange.proved(b"ours"),
            Ok(Step::Token(token)) if token.token.len() % 2 == 1 => {
                let refusal = Reply::new(535, 7, 8, "Authentication failed");
                return self.session.refuse_after_challenge(b"{}", refusal, said);
            }
            Ok(_) => None,
            Err(Fault::Malformed) => return self.session.refuse_malformed_response(said),
            Err(Fault::Mismatch) => {
                let refusal = Reply::new(535, 7, 8, "Authentication failed");
                return self.session.refuse(refusal, said);
            }
        };
        match challenge {
            Some(challenge) => self.session.challenge(&challenge, said),
            None => self.session.accept(said),
        }
    }

    /// RFC 3207 §4.2: all earlier state is dropped, and no input is left.
    fn start_tls(&mut self) {
        assert!(self.input.is_empty());
        self.secured_at.get_or_insert(self.taken);
        self.session.secured();
        self.message.clear();
        self.session.set_terms(Terms {
            starttls: false,
            xclient: false,
            ..TERMS
        });
        assert!(self.session.hello().is_none());
        assert!(!self.session.is_authenticated());
        assert!(!self.session.is_receiving());
    }

    /// Refuses addresses whose names say so.
    fn answer(&mut self, path: &Path, smtputf8: bool) {
        assert!(smtputf8 || path.is_ascii());
        let Path::Mailbox(mailbox) = path else {
            return self.session.accept(&mut self.said);
        };
        check(mailbox);
        let refusal = match mailbox.local_part() {
            "no" => Reply::new(550, 1, 1, "Nobody"),
            "later" => Reply::new(450, 2, 0, "Later"),
            "bye" => Reply::new(421, 3, 2, "Going down"),
            _ => return self.session.accept(&mut self.said),
        };
        self.session.refuse(refusal, &mut self.said);
    }
}

/// A parsed mailbox is consistent, and is safe in a header field, a log and another SMTP command.
fn check(mailbox: &Mailbox) {
    let text = mailbox.as_str();
    assert!(!text.bytes().any(|octet| octet.is_ascii_control()));
    assert_eq!(Mailbox::parse(text).as_ref(), Ok(mailbox));
    let (local, domain) = (mailbox.local_part(), mailbox.domain());
    assert_eq!(format!("{local}@{domain}"), text);
    assert!(!domain.contains(['@', '<', '>', ' ', '"']));
}
