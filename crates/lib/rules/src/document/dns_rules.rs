//! `sender-domain-must-exist`, `dns-lists` and `dns-list-refuse-score` in `[receiving.…]`.

use std::net::Ipv4Addr;

use serde::{Serialize, Serializer};

use crate::document::read::{Keys, Section};
use crate::domain::Domain;
use crate::network::Network;

/// Lists that may be asked about one peer.
const MAX_LISTS: usize = 20;

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

const KEYS: Keys = Keys {
    known: &["zone", "score", "answers"],
    planned: &[],
};

impl DnsRules {
    pub(super) fn read(&mut self, section: &Section<'_, '_>) {
        if let Some(value) = section.boolean("sender-domain-must-exist") {
            self.sender_domain_must_exist = value;
        }
        let lists = section.sections("dns-lists", "`dns-lists`", &KEYS);
        if lists.len() > MAX_LISTS {
            section.refuse(
                "dns-lists",
                format!("`dns-lists` has more than {MAX_LISTS} lists"),
            );
        }
        self.lists = lists.iter().filter_map(read_list).collect();
        if !section.has("dns-lists") {
            if section.has("dns-list-refuse-score") {
                section.refuse(
                    "dns-list-refuse-score",
                    "`dns-list-refuse-score` needs `dns-lists`",
                );
            }
            return;
        }
        self.refuse_score = section.integer("dns-list-refuse-score").unwrap_or(1);
        if self.refuse_score < 1 {
            section.refuse(
                "dns-list-refuse-score",
                "`dns-list-refuse-score` must be at least 1: else whoever is on no list is refused",
            );
        }
    }
}

fn read_list(list: &Section<'_, '_>) -> Option<DnsList> {
    list.missing("zone", "zone = \"bl.example.test\"");
    let zone = list.parsed("zone", Domain::parse);
    let score = list.integer("score").unwrap_or(1);
    let answers = list.list("answers", |text| {
        let range: Network = text.parse()?;
        if range.is_within_loopback() {
            Ok(range)
        } else {
            Err("answers lie within 127.0.0.0/8")
        }
    });
    Some(DnsList {
        zone: zone?,
        score,
        answers: answers.into_iter().map(|located| located.value).collect(),
    })
}
