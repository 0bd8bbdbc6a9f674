//! What is asked of the DNS about a peer and a sender, and what it answers.

use std::net::Ipv4Addr;

use serde::{Serialize, Serializer};

use crate::values::domain::Domain;
use crate::values::network::Network;

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

/// The rules that ask the DNS about a peer and a sender before a message is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DnsRules {
    /// Whether the sender's domain must have a server that takes its mail.
    pub sender_domain_must_exist: bool,
    /// Lists of addresses, and what it counts to be on one.
    pub lists: Vec<DnsList>,
    /// The sum from which on a peer is refused.
    pub refuse_score: i32,
}

/// A list of addresses in the DNS (RFC 5782).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DnsList {
    /// Under which names it is asked.
    pub zone: Domain,
    /// What it counts to be on it; below zero on a list of good ones.
    pub score: i32,
    /// The answers that count.
    #[serde(serialize_with = "as_texts")]
    pub answers: Vec<Network>,
}

impl DnsList {
    /// Whether these answers say that the address is on the list. Lists answer from 127.0.0.0/8
    /// alone (RFC 5782 §2.1): anything else comes from somebody who has taken the name over.
    /// 127.255.255.0/24 is what lists answer to those they do not serve, and is no listing unless
    /// the rule names it.
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
