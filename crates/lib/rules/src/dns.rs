//! What the DNS says about a peer and a sender, and what follows for MAIL. The questions are asked
//! elsewhere.

use std::net::Ipv4Addr;

use crate::document::DnsList;
use crate::domain::Domain;
use crate::path::ReversePath;
use crate::policy::Policy;
use crate::trust::Trust;
use crate::verdict::{Verdict, refusals};

/// Whether a domain takes mail: then a sender there can be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DomainStanding {
    /// It has a server with an address on the Internet.
    Usable,
    /// It says that it takes no mail (RFC 7505).
    NullMx,
    /// There is no such domain, or none with a server.
    Missing,
    /// Its servers have private, loopback or other addresses that lead nowhere.
    Unusable,
    /// The DNS did not answer.
    Unknown,
}

impl DomainStanding {
    pub(crate) const ALL: [Self; 5] = [
        Self::Usable,
        Self::NullMx,
        Self::Missing,
        Self::Unusable,
        Self::Unknown,
    ];

    /// As scripts and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::NullMx => "null-mx",
            Self::Missing => "missing",
            Self::Unusable => "unusable",
            Self::Unknown => "unknown",
        }
    }
}

/// The answers of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing<'a> {
    /// The list.
    pub list: &'a DnsList,
    /// What it answered; nothing where it did not answer.
    pub answers: Vec<Ipv4Addr>,
}

impl Policy {
    /// MAIL: the domain whose standing is asked for, if there is such a rule.
    pub fn domain_to_ask<'a>(&self, trust: &Trust, sender: &'a ReversePath) -> Option<&'a Domain> {
        let rules = &self.receiving(trust.trusted).dns;
        let domain = sender.address()?.domain()?;
        // Our own domains need no server that others can reach.
        (rules.sender_domain_must_exist && self.domain(domain).is_none()).then_some(domain)
    }

    /// MAIL: the sender's domain must be usable. A DNS that is silent refuses for now.
    pub fn accept_sender_domain(&self, domain: &Domain, standing: DomainStanding) -> Verdict {
        let refusal = match standing {
            DomainStanding::Usable => return Verdict::accepted(),
            DomainStanding::NullMx => refusals::NULL_MX_SENDER,
            DomainStanding::Missing => refusals::SENDER_DOMAIN_MISSING,
            DomainStanding::Unusable => refusals::SENDER_DOMAIN_UNUSABLE,
            DomainStanding::Unknown => refusals::SENDER_DOMAIN_UNKNOWN,
        };
        refusal.because(format!(
            "`sender-domain-must-exist`: {domain} is {standing:?}"
        ))
    }

    /// MAIL: the peer must not be on too many lists. A list that does not answer counts nothing.
    pub fn accept_listings(&self, trust: &Trust, listings: &[Listing<'_>]) -> Verdict {
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
            return Verdict::accepted();
        }
        verdict.because(format!("{sum} in sum, `dns-list-refuse-score` is {limit}"))
    }
}

#[cfg(test)]
mod tests;
