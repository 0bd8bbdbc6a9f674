//! The peer's reverse DNS name, if it resolves to the peer's address (RFC 8601 §3: `iprev`): a PTR record
//! alone is only a claim of the address's owner.

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;
use rules::{Domain, ReverseName};
use tokio::time::timeout;

use crate::dns::{Dns, is_absence};

/// Maximum number of names that are checked for an address (RFC 8601 §3 requires a limit).
const MOST_NAMES: usize = 10;
/// Time limit: the greeting waits for it.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Looks up reverse names, with a cache.
#[derive(Clone)]
pub struct ReverseNames(Dns);

impl ReverseNames {
    /// Shares the resolver and the cache of `dns`.
    #[must_use]
    pub fn new(dns: Dns) -> Self {
        Self(dns)
    }

    /// The names of an address that resolve to it.
    pub async fn of(&self, address: IpAddr) -> ReverseName {
        match timeout(LOOKUP_TIMEOUT, look_up(self.0.resolver(), address)).await {
            Ok(Ok(names)) if names.is_empty() => ReverseName::None,
            Ok(Ok(names)) => ReverseName::Confirmed(names),
            Ok(Err(error)) => {
                tracing::warn!(peer = %address, %error, "the reverse DNS look-up of the peer failed");
                ReverseName::Failed
            }
            Err(_) => {
                tracing::warn!(peer = %address, "the reverse DNS look-up of the peer timed out");
                ReverseName::Failed
            }
        }
    }
}

async fn look_up(dns: &TokioResolver, address: IpAddr) -> Result<Vec<String>, NetError> {
    let names = records(dns.reverse_lookup(address).await, |data| match data {
        RData::PTR(name) => Domain::parse(name.to_ascii().trim_end_matches('.')).ok(),
        _ => None,
    })?;
    let mut confirmed = Vec::new();
    let mut failure = None;
    for name in names.into_iter().take(MOST_NAMES) {
        match addresses(dns, &name, address).await {
            Ok(addresses) if addresses.contains(&address) => {
                confirmed.push(name.as_str().to_owned());
            }
            Ok(_) => {}
            Err(error) => failure = Some(error),
        }
    }
    // A name without an answer may be the one that a policy requires.
    match failure {
        Some(error) => Err(error),
        None => Ok(confirmed),
    }
}

/// The addresses of a name, of the same family.
async fn addresses(
    dns: &TokioResolver,
    name: &Domain,
    like: IpAddr,
) -> Result<Vec<IpAddr>, NetError> {
    let name = resolver::name(name.as_str()).map_err(|why| NetError::Msg(why.to_string()))?;
    let answer = if like.is_ipv4() {
        dns.ipv4_lookup(name).await
    } else {
        dns.ipv6_lookup(name).await
    };
    records(answer, |data| match data {
        RData::A(ip) => Some(IpAddr::V4(ip.0)),
        RData::AAAA(ip) => Some(IpAddr::V6(ip.0)),
        _ => None,
    })
}

/// The records of an answer; none if the DNS says that there is nothing. Other errors may be temporary.
fn records<T>(
    answer: Result<Lookup, NetError>,
    read: impl Fn(&RData) -> Option<T>,
) -> Result<Vec<T>, NetError> {
    match answer {
        Ok(answer) => {
            let records = answer.answers().iter();
            Ok(records.filter_map(|record| read(&record.data)).collect())
        }
        Err(error) if is_absence(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
