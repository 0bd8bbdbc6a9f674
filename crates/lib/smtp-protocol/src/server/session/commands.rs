//! Execution of commands.

use bytes::BytesMut;

use super::{Mode, Question, Session, Transaction};
use crate::Reply;
use crate::server::commands::bdat::Bdat;
use crate::server::commands::mail::{Body, Mail};
use crate::server::commands::{Command, help};
use crate::server::event::{CloseReason, Event};
use crate::server::phase::{Phase, too_early};
use crate::server::table::{COMMANDS, Entry};
use crate::server::terms::Hello;

/// A browser that was directed to this port begins with one of these.
const OTHER_PROTOCOL: [&str; 6] = ["GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS"];

const IDLE: Reply = Reply::new(421, 7, 0, "Too many commands without a message");
const OK: Reply = Reply::new(250, 0, 0, "Ok");

impl Session {
    /// Handles a command line. `Ok(None)`: the reply has been written and the session continues. `Err`: the
    /// command is refused.
    pub(super) fn command(
        &mut self,
        line: &str,
        output: &mut BytesMut,
    ) -> Result<Option<Event>, Reply> {
        let Some(entry) = Entry::find(line.as_bytes()) else {
            let verb = line.split(' ').next().unwrap_or_default();
            if OTHER_PROTOCOL.contains(&verb) {
                self.end(CloseReason::ProtocolViolation);
                Reply::new(421, 7, 0, "This is an SMTP server").write(output);
                return Ok(None);
            }
            return Err(Reply::new(500, 5, 1, "Unknown command"));
        };
        let arguments = &line[entry.verb.len()..];
        if !arguments.is_empty() && !arguments.starts_with(' ') {
            return Err(Reply::new(500, 5, 2, "Unknown command"));
        }
        if !entry.is_of_a_message() && self.is_idle(output) {
            return Ok(None);
        }
        let command = entry.read(arguments.trim_end_matches(' '), &self.standing())?;
        Ok(self.carry_out(command, output))
    }

    fn carry_out(&mut self, command: Command, output: &mut BytesMut) -> Option<Event> {
        let (question, event) = match command {
            Command::Hello(hello) => return Some(self.hello_said(hello)),
            Command::Mail(mail) => return Some(self.mail(mail)),
            Command::Bdat(said) => return self.bdat(said, output),
            Command::Rset => {
                let open = self.reset();
                OK.write(output);
                return open.then_some(Event::Reset);
            }
            Command::Noop => {
                OK.write(output);
                return None;
            }
            Command::Help => {
                let verbs = COMMANDS.iter().map(|entry| entry.verb);
                help::reply(verbs, &self.terms).write(output);
                return None;
            }
            Command::Quit => {
                Reply::new(221, 0, 0, "Goodbye").write(output);
                self.end(CloseReason::Quit);
                return None;
            }
            Command::StartTls => {
                Reply::new(220, 0, 0, "Ready to start TLS").write(output);
                (Question::StartTls, Event::StartTls)
            }
            Command::Xclient(said) => {
                let logged_in = said.login.is_some();
                (Question::Xclient { logged_in }, Event::Xclient(said))
            }
            Command::Auth(initiation) => (Question::Login, Event::Login(initiation)),
            Command::Rcpt(rcpt) => (Question::Recipient, Event::Rcpt(rcpt)),
            Command::Data => (Question::Data, Event::Begin),
            Command::Vrfy(mailbox) => (Question::Verification, Event::Verify(mailbox)),
            Command::Etrn(node) => (Question::QueueRun, Event::QueueRun(node)),
        };
        Some(self.ask(question, event))
    }

    fn hello_said(&mut self, hello: Hello) -> Event {
        self.transaction = Transaction::default();
        self.hello = Some(hello);
        self.ask(Question::Hello, Event::Hello)
    }

    fn mail(&mut self, mail: Mail) -> Event {
        self.transaction = Transaction {
            smtputf8: mail.smtputf8,
            binary: mail.body == Body::BinaryMime,
            ..Transaction::default()
        };
        self.ask(Question::Sender, Event::Mail(mail))
    }

    fn bdat(&mut self, said: Option<Bdat>, output: &mut BytesMut) -> Option<Event> {
        let Some(Bdat { size, last }) = said else {
            Reply::new(501, 5, 4, "Say BDAT size [LAST]; closing connection").write(output);
            self.end(CloseReason::ProtocolViolation);
            return None;
        };
        // An empty chunk that is not the last could be repeated for ever.
        if size == 0 && !last && self.is_idle(output) {
            return None;
        }
        let phase = self.phase();
        let refused = !matches!(phase, Phase::Recipients | Phase::Chunks);
        self.begin_chunk(size, last, refused.then(|| too_early(phase)))
    }

    /// Counts a command that transfers no message; true if there were too many.
    fn is_idle(&mut self, output: &mut BytesMut) -> bool {
        self.idle_commands += 1;
        let too_many = self.idle_commands > self.limits.idle_commands;
        if too_many {
            IDLE.write(output);
            self.mode = Mode::Closed(CloseReason::TooManyErrors);
        }
        too_many
    }
}
