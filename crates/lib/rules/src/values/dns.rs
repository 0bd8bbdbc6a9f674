//! DNS facts about a peer and a sender.

use std::net::Ipv4Addr;

use serde::{Serialize, Serializer};

use crate::values::domain::Domain;
use crate::values::network::Network;

/// Whether a domain accepts mail, so that a sender there can be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DomainStanding {
    /// It has a server with a public address.
    Usable,
    /// It states that it accepts no mail (RFC 7505).
    NullMx,
    /// The domain does not exist, or has no server.
    Missing,
    /// Its servers have only private, loopback or other unusable addresses.
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

    /// The spelling in scripts and on the command line.
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
    /// The answers; empty if the list did not answer.
    pub answers: Vec<Ipv4Addr>,
}

/// The DNS rules for a peer and a sender, checked before a message is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DnsRules {
    /// Whether the sender's domain must have a mail server.
    pub sender_domain_must_exist: bool,
    /// The lists, with their scores.
    pub lists: Vec<DnsList>,
    /// The sum of scores at which a peer is refused.
    pub refuse_score: i32,
}

/// A list of addresses in the DNS (RFC 5782).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DnsList {
    /// The zone to query.
    pub zone: Domain,
    /// The score of a listed peer; negative for an allow list.
    pub score: i32,
    /// The answers that count.
    #[serde(serialize_with = "as_texts")]
    pub answers: Vec<Network>,
}

impl DnsList {
    /// Whether these answers mean that the address is listed. Lists answer only from 127.0.0.0/8 (RFC 5782
    /// §2.1): any other answer comes from a new owner of the domain. 127.255.255.0/24 is the answer to
    /// clients that a list does not serve, and counts only if the rule names it.
    pub fn names(&self, answers: &[Ipv4Addr]) -> bool {
        answers
            .iter()
            .filter(|answer| answer.is_loopback())
            .any(|answer| match self.answers.as_slice() {
                [] => answer.octets()[..3] != [127, 255, 255],
                counted => counted.iter().any(|range| range.contains((*answer).into())),
            })
    }
}

fn as_texts<S: Serializer>(networks: &[Network], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(networks.iter().map(ToString::to_string))
}
