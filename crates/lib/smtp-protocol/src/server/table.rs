//! The table of commands: the verb, when it may be said, how long its line may be, and what
//! carries it out. A reader of the server starts here.

use super::commands::{
    auth, bdat, data, etrn, expn, hello, help, mail, noop, quit, rcpt, rset, starttls, vrfy,
    xclient,
};
use super::event::Event;
use super::session::Session;
use crate::Reply;

/// Where a session stands between commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No HELO or EHLO yet.
    Start = 1,
    /// No transaction.
    Ready = 2,
    /// MAIL was taken.
    Mail = 4,
    /// At least one RCPT was taken.
    Recipients = 8,
    /// At least one BDAT was taken; only BDAT may follow (RFC 3030 §2).
    Chunks = 16,
}

/// Phases in which a command may be said.
pub(super) struct Phases(u8);

const ANY: Phases = Phases(31);
const GREETED: Phases = Phases(2 | 4 | 8 | 16);

impl Phases {
    const fn only(phase: Phase) -> Self {
        Self(phase as u8)
    }

    const fn or(self, phase: Phase) -> Self {
        Self(self.0 | phase as u8)
    }

    fn begin_behind(&self, phase: Phase) -> bool {
        self.0 & ((phase as u8 - 1) | phase as u8) == 0
    }

    fn has(&self, phase: Phase) -> bool {
        self.0 & phase as u8 != 0
    }
}

/// `Ok(None)`: the reply has been written and the session goes on. `Err`: the command is refused.
pub(super) type Proceeded = Result<Option<Event>, Reply>;

/// One command.
pub(super) struct Entry {
    pub(super) verb: &'static str,
    phases: Phases,
    /// Octets of its line, CRLF included.
    pub(super) line_limit: usize,
    /// Whether it may be said now, beyond its phases; looks, but changes nothing.
    check: fn(&Session) -> Result<(), Reply>,
    /// Reads the arguments and does it.
    proceed: fn(&mut Session, &str, &mut bytes::BytesMut) -> Proceeded,
}

/// RFC 5321 §4.5.3.1.4.
pub(super) const LINE_LIMIT: usize = 512;
/// SIZE 26, BODY 17, SMTPUTF8 10, AUTH 500, DSN 107, REQUIRETLS 11, FUTURERELEASE 34, DELIVERBY 17,
/// MT-PRIORITY 15 (RFC 1870 §3, RFC 6152 §2, RFC 6531 §3.4, RFC 4954 §3, RFC 3461 §5, RFC 8689 §2,
/// RFC 4865 §3, RFC 2852 §2, RFC 6710 §3).
const MAIL_LINE_LIMIT: usize = LINE_LIMIT + 26 + 17 + 10 + 500 + 107 + 11 + 34 + 17 + 15;
/// DSN 500, SMTPUTF8 10 (RFC 3461 §5, RFC 6531 §3.4).
const RCPT_LINE_LIMIT: usize = LINE_LIMIT + 500 + 10;
/// Eight attributes, of which the longest are domains and a login, in xtext.
const XCLIENT_LINE_LIMIT: usize = 2048;
/// RFC 4954 §4.
pub(super) const AUTH_LINE_LIMIT: usize = sasl::LINE_LIMIT;

#[rustfmt::skip] // A table.
pub(super) static COMMANDS: [Entry; 16] = [
    entry("EHLO", ANY, LINE_LIMIT, always, hello::ehlo),
    entry("HELO", ANY, LINE_LIMIT, always, hello::helo),
    entry("MAIL", Phases::only(Phase::Ready), MAIL_LINE_LIMIT, mail::check, mail::proceed),
    entry("RCPT", Phases::only(Phase::Mail).or(Phase::Recipients), RCPT_LINE_LIMIT, always, rcpt::proceed),
    entry("DATA", Phases::only(Phase::Recipients), LINE_LIMIT, data::check, data::proceed),
    // Its octets follow whether it may be said or not: it judges the phase itself.
    entry("BDAT", ANY, LINE_LIMIT, always, bdat::proceed),
    entry("RSET", ANY, LINE_LIMIT, always, rset::proceed),
    entry("NOOP", ANY, LINE_LIMIT, always, noop::proceed),
    entry("QUIT", ANY, LINE_LIMIT, always, quit::proceed),
    entry("STARTTLS", GREETED, LINE_LIMIT, starttls::check, starttls::proceed),
    entry("AUTH", Phases::only(Phase::Ready), AUTH_LINE_LIMIT, auth::check, auth::proceed),
    entry("XCLIENT", Phases::only(Phase::Start).or(Phase::Ready), XCLIENT_LINE_LIMIT, xclient::check, xclient::proceed),
    entry("VRFY", GREETED, LINE_LIMIT, always, vrfy::proceed),
    entry("EXPN", GREETED, LINE_LIMIT, always, expn::proceed),
    entry("ETRN", Phases::only(Phase::Ready), LINE_LIMIT, mail::check, etrn::proceed),
    entry("HELP", ANY, LINE_LIMIT, always, help::proceed),
];

const fn entry(
    verb: &'static str,
    phases: Phases,
    line_limit: usize,
    check: fn(&Session) -> Result<(), Reply>,
    proceed: fn(&mut Session, &str, &mut bytes::BytesMut) -> Proceeded,
) -> Entry {
    Entry {
        verb,
        phases,
        line_limit,
        check,
        proceed,
    }
}

fn always(_: &Session) -> Result<(), Reply> {
    Ok(())
}

impl Entry {
    /// The command that a line begins with.
    pub(super) fn find(line: &[u8]) -> Option<&'static Self> {
        let end = line
            .iter()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(line.len());
        let verb = &line[..end];
        COMMANDS
            .iter()
            .find(|entry| entry.verb.as_bytes().eq_ignore_ascii_case(verb))
    }

    /// Whether it is part of what a message needs more than once, or ends the session.
    pub(super) fn is_of_a_message(&self) -> bool {
        matches!(self.verb, "RCPT" | "DATA" | "BDAT" | "QUIT")
    }

    /// Says whether it may be said now, then does it.
    pub(super) fn execute(
        &self,
        session: &mut Session,
        arguments: &str,
        output: &mut bytes::BytesMut,
    ) -> Proceeded {
        let phase = session.phase();
        if !self.phases.has(phase) {
            return Err(if self.phases.begin_behind(phase) {
                too_early(phase)
            } else {
                Reply::new(503, 5, 1, "Not during a mail transaction")
            });
        }
        (self.check)(session)?;
        (self.proceed)(session, arguments, output)
    }
}

/// The answer to a command that comes too early.
pub(super) fn too_early(phase: Phase) -> Reply {
    match phase {
        Phase::Start => Reply::new(503, 5, 1, "Say EHLO or HELO first"),
        Phase::Ready => Reply::new(503, 5, 1, "Say MAIL first"),
        Phase::Mail | Phase::Recipients | Phase::Chunks => {
            Reply::new(503, 5, 1, "No recipient was accepted")
        }
    }
}
