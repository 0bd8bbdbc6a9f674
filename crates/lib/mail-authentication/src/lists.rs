//! DNS lists of addresses (RFC 5782).

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use futures::future::join_all;
use hickory_resolver::proto::rr::{RData, RecordType};
use rules::{DnsList, Listing};
use tokio::time::timeout;

use crate::authenticator::Authenticator;
use crate::dns::Absence;

impl Authenticator {
    /// The answers of the lists for an address. A list without an answer in time has none.
    pub async fn listings<'a>(&self, peer: IpAddr, lists: &'a [DnsList]) -> Vec<Listing<'a>> {
        join_all(lists.iter().map(|list| async move {
            let asked = self.ask_list(peer, list.zone.as_str());
            let answers = timeout(self.patience, asked).await.unwrap_or_default();
            Listing { list, answers }
        }))
        .await
    }

    async fn ask_list(&self, peer: IpAddr, zone: &str) -> Vec<Ipv4Addr> {
        let name = format!("{}{zone}", reversed(peer));
        if let Some(known) = self.memory.listings.recall(name.as_str()) {
            return known.to_vec();
        }
        // An invalid name is on no list.
        let Ok(asked) = resolver::name(&name) else {
            return Vec::new();
        };
        let answer = self.dns.resolver.lookup(asked, RecordType::A).await;
        let (addresses, until) = match answer {
            Ok(answer) => {
                let addresses = answer
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::A(address) => Some(address.0),
                        _ => None,
                    });
                (addresses.collect(), Some(answer.valid_until()))
            }
            Err(error) => (Vec::new(), Absence::of(&error).map(|absence| absence.until)),
        };
        if let Some(until) = until {
            let memory = &self.memory.listings;
            memory.remember(name.into_boxed_str(), addresses.as_slice().into(), until);
        }
        addresses
    }
}

/// `4.3.2.1.`, or 32 nibbles of an IPv6 address.
fn reversed(address: IpAddr) -> String {
    let mut name = String::with_capacity(64);
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            for octet in v4.octets().iter().rev() {
                // Writing to a String does not fail.
                let _ = write!(name, "{octet}.");
            }
        }
        IpAddr::V6(v6) => {
            for octet in v6.octets().iter().rev() {
                let _ = write!(name, "{:x}.{:x}.", octet & 15, octet >> 4);
            }
        }
    }
    name
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

    use super::*;

    #[test]
    fn addresses_are_turned_around() {
        // RFC 5782 §2.1 and §2.4.
        let rows = [
            ("192.0.2.99", "99.2.0.192."),
            ("::ffff:192.0.2.99", "99.2.0.192."),
            (
                "2001:db8:1:2:3:4:567:89ab",
                "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.",
            ),
        ];
        for (address, name) in rows {
            assert_eq!(reversed(address.parse().unwrap()), name);
        }
    }
}
