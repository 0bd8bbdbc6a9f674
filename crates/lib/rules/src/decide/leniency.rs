//! Deviations from the SMTP grammar, and the clients they are accepted from (`lenient` in
//! `[receiving.trusted]`).

use std::borrow::Cow;

use crate::values::address::EmailAddress;
use crate::values::facts::SessionFacts;
use crate::values::hello::{is_hello_name, is_lenient_hello_name};
use crate::values::path::{ReversePath, local_part_alone, path_within};
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

/// The reason added to a refusal that `lenient` would avoid.
pub const LENIENT_MAY_TAKE_IT: &str = "`lenient = true` in [receiving.trusted] may accept it, for a \
                                       device that cannot be configured otherwise";

/// The reason added to an acceptance that needs `lenient`.
pub const ONLY_LENIENT_TAKES_IT: &str =
    "an address in this form is accepted only because of `lenient = true` in [receiving.trusted]";

/// The reason beside a refusal of a local part alone if there is no domain for it.
const NO_OWN_DOMAIN: &str = "no domain to complete the local part with: set [delivery] postmaster, or \
                             deliver a domain here";

/// A path by the grammar, completed with a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFull<'a> {
    /// The path, with a domain if there is one for it.
    pub path: Cow<'a, str>,
    /// The client wrote it in a way that needs `lenient`.
    pub leniently: bool,
}

/// A reverse-path as a client wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenSender {
    /// Its meaning.
    pub path: ReversePath,
    /// The client wrote it in a way that needs `lenient`.
    pub leniently: bool,
}

impl Policy {
    /// Whether deviations are accepted in this session. On a submission port a phone is untrusted before
    /// its login, and can only log in: it is treated as after the login.
    pub fn is_lenient(&self, facts: &SessionFacts, trust: &Trust) -> bool {
        self.receiving(trust.trusted).lenient
            || is_before_login(facts) && self.receiving(true).lenient
    }

    /// Whether `lenient`, now off, would apply to this session.
    pub fn lenient_is_off(&self, facts: &SessionFacts, trust: &Trust) -> bool {
        (trust.trusted || is_before_login(facts)) && !self.receiving(true).lenient
    }

    /// A path as the client wrote it. If the session may do so, a path is taken from what stands around it,
    /// and a local part alone (`<root>`) is completed with the domain that it means here.
    /// Without such a domain it stays as it is, and is refused.
    pub fn in_full<'a>(&self, lenient: bool, path: &'a str) -> InFull<'a> {
        let within = path_within(path).filter(|_| lenient);
        let path = within.unwrap_or(path);
        let local = local_part_alone(path).filter(|_| lenient);
        match local.zip(self.own_domain()) {
            Some((local, domain)) => InFull {
                path: format!("{local}@{domain}").into(),
                leniently: true,
            },
            None => InFull {
                path: path.into(),
                leniently: within.is_some(),
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
            Err(refusal) => Err(self.or_leniently(refusal, facts, &trust, is_lenient_path(text))),
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
        let may_be_taken = is_lenient_hello_name(name);
        if is_hello_name(name) || may_be_taken && self.is_lenient(&before, &trust) {
            return Ok(());
        }
        let shown = name.escape_debug();
        let refusal = refusals::MALFORMED_HELLO.because(format!(
            "`{shown}` is neither a domain nor an address literal; MAIL requires a valid EHLO"
        ));
        Err(self.or_leniently(refusal, &before, &trust, may_be_taken))
    }

    /// A refusal, with an additional reason if `lenient` would avoid it.
    pub(crate) fn or_leniently(
        &self,
        refusal: Verdict,
        facts: &SessionFacts,
        trust: &Trust,
        may_be_taken: bool,
    ) -> Verdict {
        if may_be_taken && self.lenient_is_off(facts, trust) {
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

/// A session that can only log in yet.
fn is_before_login(facts: &SessionFacts) -> bool {
    facts.role.needs_login() && facts.login.is_none()
}

/// Whether `lenient` may take a path that the grammar refuses.
pub(crate) fn is_lenient_path(text: &str) -> bool {
    let path = path_within(text).unwrap_or(text);
    local_part_alone(path).is_some() || ReversePath::parse(path).is_ok()
}
