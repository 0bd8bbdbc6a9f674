//! A server for tests around a session: answers its questions by what the addresses say, keeps
//! what happened.

mod login;

use bytes::{Buf as _, BytesMut};
use login::Login;
use sasl::{ConnectionState, Mechanisms};
use smtp_protocol::server::{Announced, Event, Limits, Node, Offered, QueueRun, Session, Terms};
use smtp_protocol::{Path, Reply};

/// See the module.
pub(crate) struct Server {
    pub(crate) session: Session,
    input: BytesMut,
    pub(crate) output: BytesMut,
    message: Vec<u8>,
    /// What happened, in words.
    pub(crate) log: Vec<String>,
    /// The last message that was complete.
    pub(crate) complete: Option<Vec<u8>>,
    pub(crate) closed: bool,
    /// The login under way, and what one can be bound to.
    login: Login,
}

pub(crate) const TERMS: Terms = Terms {
    starttls: true,
    auth: false,
    mechanisms: Mechanisms::ALL.on(ConnectionState {
        tls: false,
        bindings: false,
        certificate: false,
    }),
    auth_required: false,
    xclient: false,
    size: 1000,
    announced: Announced {
        messages: 5,
        recipients: 100,
    },
    etrn: false,
    require_tls: false,
    lenient: false,
    offered: Offered {
        hold: None,
        deliver_by: None,
        priority: false,
    },
    refusals: 0,
};

impl Server {
    pub(crate) fn new() -> Self {
        let limits = Limits {
            bad_commands: 5,
            refusals: 4,
            idle_commands: 20,
            failed_logins: 2,
            text_line: 100,
            refused_octets: 2000,
        };
        let mut server = Self {
            session: Session::new("mx.test", limits, TERMS),
            input: BytesMut::new(),
            output: BytesMut::new(),
            message: Vec::new(),
            log: Vec::new(),
            complete: None,
            closed: false,
            login: Login::default(),
        };
        server.session.greet(&mut server.output);
        server
    }

    /// Takes octets and gives what was answered.
    pub(crate) fn take(&mut self, octets: &[u8]) -> Vec<u8> {
        if !self.closed {
            self.input.extend_from_slice(octets);
            while self.step() {}
        }
        self.output.split().to_vec()
    }

    fn step(&mut self) -> bool {
        let event = self.session.next(&mut self.input, &mut self.output);
        match event {
            Event::NeedInput => return false,
            Event::Close(reason) => {
                self.log.push(format!("closed: {reason:?}"));
                self.closed = true;
                return false;
            }
            Event::Content(octets) => {
                self.message.extend_from_slice(&self.input[..octets]);
                self.input.advance(octets);
            }
            Event::Complete => {
                let message = std::mem::take(&mut self.message);
                self.log
                    .push(format!("message {:?}", message.escape_ascii().to_string()));
                if message.starts_with(b"refuse") {
                    self.session
                        .refuse(Reply::new(554, 6, 0, "No"), &mut self.output);
                } else {
                    self.session.accept_message("ID", &mut self.output);
                }
                self.complete = Some(message);
            }
            Event::Broken(_) | Event::Reset => {
                self.log.push(format!("{event:?}"));
                self.message.clear();
            }
            Event::Refused(misspoken) => {
                let (name, said) = (misspoken.name, misspoken.said);
                self.log.push(format!("refused {name} {said:?}"));
            }
            Event::Verify(Some(mailbox)) if mailbox.local_part() == "known" => {
                self.session.verified(mailbox.as_str(), &mut self.output);
            }
            Event::QueueRun(node) => self.queue_run(&node),
            Event::Login(initiation) => self.begin_login(initiation),
            Event::Response(response) => self.respond(response),
            Event::StartTls => {
                self.log.push(format!("{event:?}"));
                return false;
            }
            event => self.answer(event),
        }
        true
    }

    fn queue_run(&mut self, node: &Node) {
        self.log.push(format!("{node:?}"));
        let run = match node.domain.as_str() {
            "nothing.test" => QueueRun::NothingWaits,
            "many.test" => QueueRun::SomeWait,
            "three.test" => QueueRun::Wait(3),
            "refused.test" => {
                let refusal = Reply::new(459, 7, 1, "Not allowed");
                return self.session.refuse(refusal, &mut self.output);
            }
            _ => return self.session.accept(&mut self.output),
        };
        self.session.queue_run(run, &mut self.output);
    }

    fn answer(&mut self, event: Event) {
        self.log.push(format!("{event:?}"));
        let refusal = match event {
            Event::Hello => {
                self.message.clear();
                None
            }
            Event::Xclient(told) if told.address == Some([192, 0, 2, 250].into()) => {
                let text = "Too many connections, try again later";
                Some(Reply::new(421, 3, 2, text))
            }
            Event::Mail(mail) if mail.size.is_some_and(|size| size > TERMS.size) => {
                Some(Reply::new(552, 3, 4, "Message is too large"))
            }
            // As a driver that honours no more than 4.
            Event::Mail(mail) if mail.requests.priority.is_some_and(|priority| priority > 4) => {
                return self.session.accept_with_priority(4, &mut self.output);
            }
            Event::Mail(mail) => refused(&mail.reverse_path),
            Event::Rcpt(rcpt) => refused(&rcpt.forward_path),
            _ => None,
        };
        match refusal {
            Some(reply) => self.session.refuse(reply, &mut self.output),
            None => self.session.accept(&mut self.output),
        }
    }
}

fn refused(path: &Path) -> Option<Reply> {
    match path {
        Path::Mailbox(mailbox) if mailbox.local_part() == "nobody" => {
            Some(Reply::new(550, 1, 1, "No such user"))
        }
        Path::Mailbox(mailbox) if mailbox.local_part() == "later" => {
            Some(Reply::new(451, 3, 0, "Later"))
        }
        _ => None,
    }
}
