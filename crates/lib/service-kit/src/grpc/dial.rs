//! Discovery and connection of a service's replicas: Unix sockets, addresses, and names with several
//! addresses.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use channel::{Dial, Io, Target};
use tokio::net::{UnixStream, lookup_host};
use tokio::time::timeout;
use tonic::async_trait;
use tonic::transport::Endpoint as Http;

use super::tcp;
use crate::Endpoint;
use crate::config::InternalTlsConfig;

/// Timeout of a name look-up.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Maximum number of addresses used for one name.
const MAX_REPLICAS: usize = 64;

/// Age at which a TCP connection is replaced: behind one address there may be a balancer whose replicas
/// change.
const LONGEST_AGE: Duration = Duration::from_secs(60);

/// Addresses of replicas.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// As configured.
    Endpoint(Endpoint),
    /// This address, with a certificate for that name.
    At { name: String, address: SocketAddr },
}

/// One replica.
#[derive(Clone, Debug)]
enum Replica {
    Unix(PathBuf),
    /// Addresses of one replica, tried in turn: those of a second family lead to the same processes.
    Tcp {
        name: String,
        addresses: Vec<SocketAddr>,
    },
}

pub(super) struct Dialer {
    addresses: Vec<Address>,
    tls: Option<InternalTlsConfig>,
    http: Http,
    /// The result of the last look-up of each address.
    replicas: Mutex<Vec<Found>>,
}

/// The replicas of one address.
type Found = Vec<(Target, Replica)>;

impl Dialer {
    pub(super) fn new(addresses: Vec<Address>, tls: Option<InternalTlsConfig>, http: Http) -> Self {
        Self {
            addresses,
            tls,
            http,
            replicas: Mutex::default(),
        }
    }

    fn replicas(&self) -> MutexGuard<'_, Vec<Found>> {
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Dial for Dialer {
    async fn targets(&self) -> io::Result<Vec<Target>> {
        let mut looked_up = Vec::with_capacity(self.addresses.len());
        for address in &self.addresses {
            looked_up.push(found(address).await);
        }
        let mut known = self.replicas();
        *known = merged(&known, looked_up)?;
        let targets: BTreeSet<&Target> = known.iter().flatten().map(|(target, _)| target).collect();
        Ok(targets.into_iter().cloned().collect())
    }

    async fn connect(&self, target: &str) -> io::Result<Box<dyn Io>> {
        let replica = replica_of(&self.replicas(), target);
        match replica.ok_or(io::ErrorKind::NotFound)? {
            Replica::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Replica::Tcp { name, addresses } => {
                let tls = self.tls.as_ref().ok_or(io::ErrorKind::Unsupported)?;
                Ok(Box::new(tcp::connect(&name, &addresses, tls).await?))
            }
        }
    }

    fn http(&self) -> Http {
        self.http.clone()
    }

    fn may_change(&self) -> bool {
        let only = match self.addresses.as_slice() {
            [only] => only,
            _ => return true,
        };
        matches!(only, Address::Endpoint(Endpoint::Tcp { .. }))
    }

    fn longest_age(&self) -> Option<Duration> {
        let over_tcp =
            |address: &Address| matches!(address, Address::Endpoint(Endpoint::Tcp { .. }));
        self.addresses.iter().any(over_tcp).then_some(LONGEST_AGE)
    }
}

/// The replicas of each address after a look-up of all. An address whose look-up failed keeps its known
/// replicas; the other addresses get the replicas that were found, and lose all others. Fails if all look-ups
/// failed.
fn merged(known: &[Found], looked_up: Vec<io::Result<Found>>) -> io::Result<Vec<Found>> {
    let mut merged = Vec::with_capacity(looked_up.len());
    let (mut failure, mut any) = (None, false);
    for (index, result) in looked_up.into_iter().enumerate() {
        match result {
            Ok(found) => {
                any = true;
                merged.push(found);
            }
            Err(error) => {
                failure = Some(error);
                merged.push(known.get(index).cloned().unwrap_or_default());
            }
        }
    }
    match failure {
        Some(failure) if !any => Err(failure),
        _ => Ok(merged),
    }
}

fn replica_of(known: &[Found], target: &str) -> Option<Replica> {
    let mut all = known.iter().flatten();
    all.find(|(one, _)| one == target)
        .map(|(_, replica)| replica.clone())
}

async fn found(address: &Address) -> io::Result<Found> {
    match address {
        Address::Endpoint(Endpoint::Unix(path)) => {
            let target = path.display().to_string();
            Ok(vec![(target, Replica::Unix(path.clone()))])
        }
        Address::At { name, address } => {
            let replica = Replica::Tcp {
                name: name.clone(),
                addresses: vec![*address],
            };
            Ok(vec![(address.to_string(), replica)])
        }
        Address::Endpoint(Endpoint::Tcp { host, port }) => {
            let families = families(host, *port).await?;
            Ok(replicas(host, &families))
        }
    }
}

/// The addresses of a name by family, in the system's order.
pub(crate) async fn families(host: &str, port: u16) -> io::Result<Vec<Vec<SocketAddr>>> {
    let found = timeout(LOOK_UP, lookup_host((host, port)))
        .await
        .map_err(|_| {
            let reason = format!(
                "no answer about the name {host} within {} s",
                LOOK_UP.as_secs()
            );
            io::Error::new(io::ErrorKind::TimedOut, reason)
        })?
        .map_err(|error| io::Error::other(format!("the name {host} is not known here: {error}")))?;
    let families = by_family(found);
    if families.is_empty() {
        return Err(io::Error::other(format!("the name {host} has no address")));
    }
    Ok(families)
}

fn by_family(found: impl Iterator<Item = SocketAddr>) -> Vec<Vec<SocketAddr>> {
    let mut families: Vec<Vec<SocketAddr>> = Vec::new();
    for address in found.take(MAX_REPLICAS) {
        let family = families
            .iter_mut()
            .find(|family| family[0].is_ipv4() == address.is_ipv4());
        match family {
            Some(family) if family.contains(&address) => {}
            Some(family) => family.push(address),
            None => families.push(vec![address]),
        }
    }
    families
}

/// One replica for each address of the first family. Which address of the other family leads to the same
/// process is unknown. So each replica gets all of them as alternatives, starting with a different one.
fn replicas(host: &str, families: &[Vec<SocketAddr>]) -> Found {
    let Some((first, others)) = families.split_first() else {
        return Vec::new();
    };
    let mut first = first.clone();
    first.sort_unstable();
    let others: Vec<SocketAddr> = others.concat();
    let each = first.iter().enumerate().map(|(index, address)| {
        let mut addresses = vec![*address];
        addresses.extend(others.iter().cycle().skip(index).take(others.len()));
        let replica = Replica::Tcp {
            name: host.to_owned(),
            addresses,
        };
        (format!("{host} {address}"), replica)
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn over_unix(names: &[&str]) -> Found {
        let replica = |name: &&str| ((*name).to_owned(), Replica::Unix(PathBuf::from(name)));
        names.iter().map(replica).collect()
    }

    fn targets(known: &[Found]) -> Vec<&str> {
        let all = known.iter().flatten();
        all.map(|(target, _)| target.as_str()).collect()
    }

    #[test]
    fn a_failed_look_up_keeps_the_replicas_of_its_address_and_of_no_other() {
        let failed = || Err(io::Error::other("the DNS does not answer"));
        let known = merged(
            &[],
            vec![Ok(over_unix(&["a1", "a2"])), Ok(over_unix(&["b1", "b2"]))],
        );
        let known = known.unwrap();
        // Of the first, a2 has gone. What became of the second is not known.
        let known = merged(&known, vec![Ok(over_unix(&["a1", "a3"])), failed()]).unwrap();
        assert_eq!(targets(&known), ["a1", "a3", "b1", "b2"]);
        assert!(replica_of(&known, "b2").is_some());
        assert!(replica_of(&known, "a2").is_none());
        let known = merged(&known, vec![failed(), Ok(over_unix(&["b2"]))]).unwrap();
        assert_eq!(targets(&known), ["a1", "a3", "b2"]);
        assert!(merged(&known, vec![failed(), failed()]).is_err());
        // An address that has never been found has no replicas.
        let first = merged(&[], vec![failed(), Ok(over_unix(&["b1"]))]).unwrap();
        assert_eq!(targets(&first), ["b1"]);
    }

    #[test]
    fn each_address_of_a_name_is_a_replica_and_a_second_family_is_to_fall_back_on() {
        let found = addresses(&[
            "10.0.0.2:7101",
            "[fd00::1]:7101",
            "10.0.0.1:7101",
            "[fd00::2]:7101",
            "10.0.0.1:7101",
        ]);
        let families = by_family(found.into_iter());
        assert_eq!(families.len(), 2);
        let replicas = replicas("queue", &families);
        let targets: Vec<_> = replicas.iter().map(|(target, _)| target.as_str()).collect();
        assert_eq!(targets, ["queue 10.0.0.1:7101", "queue 10.0.0.2:7101"]);
        let Replica::Tcp {
            addresses: tried, ..
        } = &replicas[1].1
        else {
            panic!("a replica over TCP");
        };
        let expected = addresses(&["10.0.0.2:7101", "[fd00::2]:7101", "[fd00::1]:7101"]);
        assert_eq!(*tried, expected);
    }
}
