//! MAIL: verdicts from the DNS answers about a peer and a sender.

use crate::values::dns::{DomainStanding, Listing};
use crate::values::domain::Domain;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// MAIL: the domain to look up, if a rule needs it.
    pub fn domain_to_ask<'a>(&self, trust: &Trust, sender: &'a ReversePath) -> Option<&'a Domain> {
        let rules = &self.receiving(trust.trusted).dns;
        let domain = sender.address()?.domain()?;
        // Our own domains need no public server.
        (rules.sender_domain_must_exist && self.domain(domain).is_none()).then_some(domain)
    }

    /// MAIL: the peer must not be on too many lists. A list without an answer counts zero.
    pub(crate) fn judge_listings(
        &self,
        trust: &Trust,
        listings: &[Listing<'_>],
    ) -> Result<(), Verdict> {
        let limit = self.receiving(trust.trusted).dns.refuse_score;
        let mut sum = 0_i32;
        let mut verdict = refusals::DNS_LISTED;
        for Listing { list, answers } in listings {
            if list.names(answers) {
                sum = sum.saturating_add(list.score);
                let (zone, score) = (&list.zone, list.score);
                verdict = verdict.because(format!("listed by {zone}, which counts {score}"));
            }
        }
        if listings.is_empty() || sum < limit {
            return Ok(());
        }
        Err(verdict.because(format!("{sum} in sum, `dns-list-refuse-score` is {limit}")))
    }
}

/// MAIL: the sender's domain must be usable. Without a DNS answer the refusal is temporary.
pub(crate) fn judge_domain(domain: &Domain, standing: DomainStanding) -> Result<(), Verdict> {
    let refusal = match standing {
        DomainStanding::Usable => return Ok(()),
        DomainStanding::NullMx => refusals::NULL_MX_SENDER,
        DomainStanding::Missing => refusals::SENDER_DOMAIN_MISSING,
        DomainStanding::Unusable => refusals::SENDER_DOMAIN_UNUSABLE,
        DomainStanding::Unknown => refusals::SENDER_DOMAIN_UNKNOWN,
    };
    Err(refusal.because(format!(
        "`sender-domain-must-exist`: {domain} is {standing:?}"
    )))
}

#[cfg(test)]
mod tests;
