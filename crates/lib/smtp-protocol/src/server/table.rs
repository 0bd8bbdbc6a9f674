//! The table of commands: the verb, the phases that allow it, its maximum line length, and the parser of
//! its arguments. Start reading the server here.

use super::commands::{
    Command, auth, bdat, data, etrn, expn, hello, help, mail, noop, quit, rcpt, rset, starttls,
    vrfy, xclient,
};
use super::phase::{ANY, GREETED, Phase, Phases, too_early};
use super::standing::Standing;
use crate::Reply;

/// One command.
pub(super) struct Entry {
    pub(super) verb: &'static str,
    phases: Phases,
    /// Maximum octets of its line, with CRLF.
    pub(super) line_limit: usize,
    /// A check beyond the phase.
    check: Check,
    /// Parses the arguments.
    read: Read,
}

type Check = fn(&Standing<'_>) -> Result<(), Reply>;
type Read = fn(&str, &Standing<'_>) -> Result<Command, Reply>;

/// RFC 5321 §4.5.3.1.4.
pub(super) const LINE_LIMIT: usize = 512;
/// SIZE 26, BODY 17, SMTPUTF8 10, AUTH 500, DSN 107, REQUIRETLS 11, FUTURERELEASE 34, DELIVERBY 17,
/// MT-PRIORITY 15 (RFC 1870 §3, RFC 6152 §2, RFC 6531 §3.4, RFC 4954 §3, RFC 3461 §5, RFC 8689 §2,
/// RFC 4865 §3, RFC 2852 §2, RFC 6710 §3).
const MAIL_LINE_LIMIT: usize = LINE_LIMIT + 26 + 17 + 10 + 500 + 107 + 11 + 34 + 17 + 15;
/// DSN 500, SMTPUTF8 10 (RFC 3461 §5, RFC 6531 §3.4).
const RCPT_LINE_LIMIT: usize = LINE_LIMIT + 500 + 10;
/// Eight attributes; the longest are domains and a login, in xtext.
const XCLIENT_LINE_LIMIT: usize = 2048;
/// RFC 4954 §4.
pub(super) const AUTH_LINE_LIMIT: usize = sasl::LINE_LIMIT;

#[rustfmt::skip] // A table.
pub(super) static COMMANDS: [Entry; 16] = [
    entry("EHLO", ANY, LINE_LIMIT, always, hello::ehlo),
    entry("HELO", ANY, LINE_LIMIT, always, hello::helo),
    entry("MAIL", Phases::only(Phase::Ready), MAIL_LINE_LIMIT, mail::check, mail::read),
    entry("RCPT", Phases::only(Phase::Mail).or(Phase::Recipients), RCPT_LINE_LIMIT, always, rcpt::read),
    entry("DATA", Phases::only(Phase::Recipients), LINE_LIMIT, data::check, data::read),
    // Its octets follow even if it is refused: it checks the phase itself.
    entry("BDAT", ANY, LINE_LIMIT, always, bdat::read),
    entry("RSET", ANY, LINE_LIMIT, always, rset::read),
    entry("NOOP", ANY, LINE_LIMIT, always, noop::read),
    entry("QUIT", ANY, LINE_LIMIT, always, quit::read),
    entry("STARTTLS", GREETED, LINE_LIMIT, starttls::check, starttls::read),
    entry("AUTH", Phases::only(Phase::Ready), AUTH_LINE_LIMIT, auth::check, auth::read),
    entry("XCLIENT", Phases::only(Phase::Start).or(Phase::Ready), XCLIENT_LINE_LIMIT, xclient::check, xclient::read),
    entry("VRFY", GREETED, LINE_LIMIT, always, vrfy::read),
    entry("EXPN", GREETED, LINE_LIMIT, always, expn::read),
    entry("ETRN", Phases::only(Phase::Ready), LINE_LIMIT, mail::check, etrn::read),
    entry("HELP", ANY, LINE_LIMIT, always, help::read),
];

const fn entry(
    verb: &'static str,
    phases: Phases,
    line_limit: usize,
    check: Check,
    read: Read,
) -> Entry {
    Entry {
        verb,
        phases,
        line_limit,
        check,
        read,
    }
}

fn always(_: &Standing<'_>) -> Result<(), Reply> {
    Ok(())
}

impl Entry {
    /// The command at the start of a line.
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

    /// Whether a transaction may need it more than once, or it ends the session.
    pub(super) fn is_of_a_message(&self) -> bool {
        matches!(self.verb, "RCPT" | "DATA" | "BDAT" | "QUIT")
    }

    /// Checks whether it is allowed now, and parses it.
    pub(super) fn read(&self, arguments: &str, standing: &Standing<'_>) -> Result<Command, Reply> {
        let phase = standing.phase;
        if !self.phases.has(phase) {
            return Err(if self.phases.begin_behind(phase) {
                too_early(phase)
            } else {
                Reply::new(503, 5, 1, "Not during a mail transaction")
            });
        }
        (self.check)(standing)?;
        (self.read)(arguments, standing)
    }
}
