//! Deviations from the SMTP grammar, and the clients they are accepted from (`lenient` in
//! `[receiving.trusted]`).

use std::borrow::Cow;

use crate::values::address::EmailAddress;
use crate::values::facts::SessionFacts;
use crate::values::hello::{is_hello_name, is_lenient_hello_name};
use crate::values::path::{ReversePath, local_part_alone};
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

/// The reason added to a refusal that `lenient` would avoid.
pub const LENIENT_MAY_TAKE_IT: &str = "of a device that cannot say it otherwise, `lenient = true` in \
                                       [receiving.trusted] may take it";

/// The reason added to an acceptance that needs `lenient`.
pub const ONLY_LENIENT_TAKES_IT: &str =
    "a local part alone is taken only because of `lenient = true` in [receiving.trusted]";

/// The reason beside a refusal of a local part alone if there is no domain for it.
const NO_OWN_DOMAIN: &str = "a local part alone needs a domain: that of [delivery] postmaster, or of a \
                             domain that is delivered here";

/// A path completed with a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFull<'a> {
    /// The path, with a domain if there is one for it.
    pub path: Cow<'a, str>,
    /// The client wrote only a local part, which needs `lenient`.
    pub leniently: bool,
}

/// A reverse-path as a client wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenSender {
    /// Its meaning.
    pub path: ReversePath,
    /// The client wrote only a local part, which needs `lenient`.
    pub leniently: bool,
}

/// A deviation from the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'a> {
    /// The name in EHLO or HELO.
    Hello(&'a str),
    /// A path of MAIL or RCPT.
    Path(&'a str),
    /// A line that ends with LF alone.
    LineFeed,
}

impl Policy {
    /// Whether deviations are accepted in this session. On a submission port a phone is untrusted before
    /// its login, and can only log in: it is treated as after the login.
    pub fn is_lenient(&self, facts: &SessionFacts, trust: &Trust) -> bool {
        let logs_in = facts.role.needs_login() && facts.login.is_none();
        self.receiving(trust.trusted).lenient || logs_in && self.receiving(true).lenient
    }

    /// A path as the client wrote it. A local part alone (`<root>`) is completed with the domain that it
    /// means here, if the session may do so. Without such a domain it stays as it is, and is refused.
    pub fn in_full<'a>(&self, lenient: bool, path: &'a str) -> InFull<'a> {
        let local = local_part_alone(path).filter(|_| lenient);
        match local.zip(self.own_domain()) {
            Some((local, domain)) => InFull {
                path: format!("{local}@{domain}").into(),
                leniently: true,
            },
            None => InFull {
                path: path.into(),
                leniently: false,
            },
        }
    }

    /// MAIL: parses a reverse-path as this session may write it.
    pub fn written_sender(
        &self,
        facts: &SessionFacts,
        text: &str,
    ) -> Result<WrittenSender, Verdict> {
        let trust = self.trust(facts);
        let InFull { path, leniently } = self.in_full(self.is_lenient(facts, &trust), text);
        match self.reverse_path(&path) {
            Ok(path) => Ok(WrittenSender { path, leniently }),
            Err(refusal) => Err(self.or_leniently(refusal, &trust, Written::Path(text))),
        }
    }

    /// EHLO and HELO: whether the client may use this name. The command comes before the login.
    pub fn judge_hello(&self, facts: &SessionFacts, name: &str) -> Result<(), Verdict> {
        let before = SessionFacts {
            helo: None,
            login: None,
            ..facts.clone()
        };
        let trust = self.trust(&before);
        let lenient = is_lenient_hello_name(name) && self.is_lenient(&before, &trust);
        if is_hello_name(name) || lenient {
            return Ok(());
        }
        let shown = name.escape_debug();
        let refusal = refusals::MALFORMED_HELLO.because(format!(
            "`{shown}` is no domain and no address literal: MAIL is not taken without an EHLO that is"
        ));
        Err(self.or_leniently(refusal, &trust, Written::Hello(name)))
    }

    /// Whether `lenient`, now off, would accept what this session wrote.
    pub fn lenient_would_take(&self, trust: &Trust, written: Written<'_>) -> bool {
        let is_off = !self.receiving(true).lenient;
        let is_taken = match written {
            Written::Hello(name) => is_lenient_hello_name(name),
            Written::Path(path) => local_part_alone(path).is_some(),
            Written::LineFeed => true,
        };
        trust.trusted && is_off && is_taken
    }

    /// A refusal, with an additional reason if `lenient` would avoid it.
    pub(crate) fn or_leniently(
        &self,
        refusal: Verdict,
        trust: &Trust,
        written: Written<'_>,
    ) -> Verdict {
        if self.lenient_would_take(trust, written) {
            return refusal.because(LENIENT_MAY_TAKE_IT);
        }
        refusal
    }

    /// A refused path, with one more reason if `lenient` would accept it but has no domain for it.
    pub(crate) fn or_without_domain(&self, refusal: Verdict, path: &str) -> Verdict {
        let is_alone = local_part_alone(path).is_some() && self.receiving(true).lenient;
        match is_alone && self.own_domain().is_none() {
            true => refusal.because(NO_OWN_DOMAIN),
            false => refusal,
        }
    }

    /// The users on whom the answer for a recipient written like this may depend, for any client.
    pub fn users_asked_for(&self, path: &str) -> Vec<EmailAddress> {
        let lenient = self.receiving(true).lenient;
        let recipient = self.forward_path(&self.in_full(lenient, path).path);
        recipient.map_or_else(|_| Vec::new(), |recipient| self.users_asked(&recipient))
    }
}
