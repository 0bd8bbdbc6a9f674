//! What MAIL is answered.

use crate::decide::trust::until_trust_is_known;
use crate::values::domain::Host;
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::size::format_size;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// MAIL: whether there is room for another message. `free` is what the volume that mail is
    /// stored on has free, where that is known.
    pub fn accept_free_space(&self, trust: &Trust, free: Option<u64>) -> Verdict {
        match (self.receiving(trust.trusted).min_free_space, free) {
            (Some(wanted), Some(free)) if free < wanted => {
                refusals::INSUFFICIENT_STORAGE.because(format!(
                    "{} are free, `min-free-space` is {} for {}",
                    format_size(free),
                    format_size(wanted),
                    trust.class()
                ))
            }
            _ => Verdict::accepted(),
        }
    }

    /// MAIL: whether this sender, with a message of the size it declares, is let in.
    pub fn accept_sender(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        sender: &ReversePath,
        size: Option<u64>,
    ) -> Verdict {
        until_trust_is_known(trust, self.judge_sender(facts, trust, sender, size))
    }

    /// The same as if everything of the session's trust were known.
    pub(crate) fn judge_sender(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        sender: &ReversePath,
        size: Option<u64>,
    ) -> Verdict {
        let rules = self.receiving(trust.trusted);
        if let Some(size) = size.filter(|size| *size > rules.max_size) {
            let limit = rules.max_size;
            return refusals::TOO_LARGE.because(format!(
                "{size} octets are declared, `max-size` is {limit} for {}",
                trust.class()
            ));
        }
        let Some(address) = sender.address() else {
            if rules.refuse_blank_reverse_path {
                return refusals::BLANK_REVERSE_PATH
                    .because(format!("`refuse-blank-reverse-path` for {}", trust.class()));
            }
            return Verdict::accepted();
        };
        match address.host() {
            Host::Literal(_) if rules.refuse_address_literal_senders => refusals::LITERAL_SENDER
                .because(format!(
                    "`refuse-address-literal-senders` for {}",
                    trust.class()
                )),
            Host::Domain(domain)
                if rules.refuse_spoofed_senders && self.is_local(domain) && !trust.trusted =>
            {
                let peer = facts.peer;
                refusals::SPOOFED_SENDER.because(format!(
                    "{domain} is delivered here and {peer} is not trusted ({})",
                    trust.name
                ))
            }
            _ => self.belongs(facts, Some(address), refusals::SENDER_NOT_OF_LOGIN),
        }
    }

    /// MAIL: reads a reverse-path.
    pub fn reverse_path(&self, text: &str) -> Result<ReversePath, Verdict> {
        ReversePath::parse(text)
            .map_err(|error| refusals::MALFORMED_SENDER.because(error.to_string()))
    }
}
