//! A driver that accepts everything and keeps what was said and what came in.

use bytes::{Buf as _, BytesMut};
use sasl::Bindings;
use smtp_protocol::server::{Event, Limits, Session, Terms};

pub struct Driver {
    session: Session,
    input: BytesMut,
    pub said: BytesMut,
    pub messages: Vec<Vec<u8>>,
    message: Vec<u8>,
    closed: bool,
}

impl Driver {
    pub fn new() -> Self {
        let terms = Terms {
            auth: true,
            xclient: true,
            starttls: true,
            require_tls: true,
            size: 4096,
            ..Terms::default()
        };
        let limits = Limits {
            refused_octets: 8192,
            text_line: 1000,
            ..Limits::default()
        };
        let mut session = Session::new("mx.test", limits, terms);
        session.set_bindings(Bindings {
            exporter: Some(b"exported".to_vec()),
            server_end_point: None,
        });
        Self {
            session,
            input: BytesMut::new(),
            said: BytesMut::new(),
            messages: Vec::new(),
            message: Vec::new(),
            closed: false,
        }
    }

    /// Takes octets; what is left of them stays bounded.
    pub fn take(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        while !self.closed && self.step() {}
        assert!(self.closed || self.input.len() <= 12_288);
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
            Event::StartTls => self.session.secured(),
            Event::ScramParameters(_) => {
                self.session
                    .scram_parameters(b"salt", 4096, "SERVER", &mut self.said);
            }
            Event::ScramProof(_) => self.session.scram_proved(b"ours", &mut self.said),
            Event::LoggedIn => {}
            Event::Hello => {
                self.message.clear();
                self.session.accept(&mut self.said);
            }
            Event::Xclient(_)
            | Event::Authenticate(_)
            | Event::Mail(_)
            | Event::Rcpt(_)
            | Event::Verify(_)
            | Event::Begin => self.session.accept(&mut self.said),
        }
        true
    }
}
