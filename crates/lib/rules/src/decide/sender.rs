//! The verdicts on MAIL, rule by rule. `admission::mail` defines their order.

use crate::values::domain::Host;
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::size::format_size;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// MAIL: parses a reverse-path.
    pub fn reverse_path(&self, text: &str) -> Result<ReversePath, Verdict> {
        ReversePath::parse(text).map_err(|error| {
            let refusal = refusals::MALFORMED_SENDER.because(error.to_string());
            self.or_without_domain(refusal, text)
        })
    }

    /// Whether mail is accepted without a login.
    pub(crate) fn judge_login(&self, facts: &SessionFacts) -> Result<(), Verdict> {
        if facts.login.is_some() || !facts.role.needs_login() {
            return Ok(());
        }
        Err(refusals::LOGIN_REQUIRED.because(format!(
            "the listener `{}` is a submission port, and nobody has logged in",
            facts.listener
        )))
    }

    /// Whether the mail volume has room for another message.
    pub(crate) fn judge_free_space(&self, trust: &Trust, free: u64) -> Result<(), Verdict> {
        match self.receiving(trust.trusted).min_free_space {
            Some(wanted) if free < wanted => Err(refusals::INSUFFICIENT_STORAGE.because(format!(
                "{} are free, `min-free-space` is {} for {}",
                format_size(free),
                format_size(wanted),
                trust.class()
            ))),
            _ => Ok(()),
        }
    }

    /// Whether a message of the declared size is accepted.
    pub(crate) fn judge_size(&self, trust: &Trust, size: Option<u64>) -> Result<(), Verdict> {
        let limit = self.receiving(trust.trusted).max_size;
        match size {
            Some(size) if size > limit => Err(refusals::TOO_LARGE.because(format!(
                "{size} octets are declared, `max-size` is {limit} for {}",
                trust.class()
            ))),
            _ => Ok(()),
        }
    }

    /// Whether the null sender is accepted.
    pub(crate) fn judge_blank(&self, trust: &Trust, sender: &ReversePath) -> Result<(), Verdict> {
        if !sender.is_null() || !self.receiving(trust.trusted).refuse_blank_reverse_path {
            return Ok(());
        }
        Err(refusals::BLANK_REVERSE_PATH
            .because(format!("`refuse-blank-reverse-path` for {}", trust.class())))
    }

    /// Whether a sender with an address literal as domain is accepted.
    pub(crate) fn judge_literal(&self, trust: &Trust, sender: &ReversePath) -> Result<(), Verdict> {
        let refused = self.receiving(trust.trusted).refuse_address_literal_senders;
        match sender.address().map(|address| address.host()) {
            Some(Host::Literal(_)) if refused => Err(refusals::LITERAL_SENDER.because(format!(
                "`refuse-address-literal-senders` for {}",
                trust.class()
            ))),
            _ => Ok(()),
        }
    }

    /// Whether an untrusted client may use a sender in one of our domains.
    pub(crate) fn judge_spoofed(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        sender: &ReversePath,
    ) -> Result<(), Verdict> {
        if trust.trusted || !self.receiving(false).refuse_spoofed_senders {
            return Ok(());
        }
        let domain = sender.address().and_then(|address| address.domain());
        match domain.filter(|domain| self.is_local(domain)) {
            None => Ok(()),
            Some(domain) => Err(refusals::SPOOFED_SENDER.because(format!(
                "{domain} is delivered here and {} is not trusted ({})",
                facts.peer, trust.name
            ))),
        }
    }

    /// Whether the sender address belongs to the login.
    pub(crate) fn judge_own_name(
        &self,
        facts: &SessionFacts,
        sender: &ReversePath,
    ) -> Result<(), Verdict> {
        match sender.address() {
            Some(address) => self.belongs(facts, Some(address), refusals::SENDER_NOT_OF_LOGIN),
            None => Ok(()),
        }
    }
}
