//! The mail servers of a domain (RFC 5321 §5.1, RFC 7505).

mod answers;
mod this_machine;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use rand::seq::SliceRandom as _;
use rules::Host;
use tokio::time::Instant;

use super::hops::{Hop, SMTP};
use crate::fate::Failure;
use answers::{Absence, absence, dns_failed, dns_name, loops_back, no_domain};
use this_machine::is_this_machine;

/// Maximum number of servers tried; a domain may name hundreds.
const MAX_SERVERS: usize = 10;

/// Maximum number of names whose time of renewal is remembered.
const MAX_RENEWED: usize = 1_000;

/// DNS lookups of mail servers.
#[derive(Clone)]
pub(crate) struct Resolver {
    dns: Arc<TokioResolver>,
    /// This server's name: mail sent to ourselves would come back.
    hostname: String,
    port: u16,
    /// Names whose answers were dropped on request, and when.
    renewed: Arc<Mutex<HashMap<String, Instant>>>,
}

/// The servers of a domain.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) hops: Vec<Hop>,
    /// Failures of servers without an address.
    pub(crate) unresolved: Vec<Failure>,
}

/// A server from an MX record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exchange {
    preference: u16,
    /// Name for TLS and for people.
    name: String,
    /// Name in the DNS, which allows more than a host name.
    dns: Name,
}

impl Resolver {
    /// A resolver that asks `server`, or the system's name servers.
    pub(crate) fn new(
        server: Option<SocketAddr>,
        hostname: &str,
        port: u16,
    ) -> Result<Self, resolver::Unavailable> {
        let dns = resolver::build(server, |options| {
            options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        })?;
        Ok(Self {
            dns: Arc::new(dns),
            hostname: hostname.trim_end_matches('.').to_ascii_lowercase(),
            port,
            renewed: Arc::default(),
        })
    }

    /// The servers of a domain or an address literal, best first; at least one. DNS answers from before the
    /// time at which an attempt was `asked` for are ignored: the server may have another address now (RFC
    /// 1985 §1).
    pub(crate) async fn servers_for(
        &self,
        host: &Host,
        asked: Option<Instant>,
    ) -> Result<Servers, Failure> {
        let domain = match host {
            Host::Literal(address) => {
                return self.keep_foreign(vec![self.literal(*address)], Vec::new());
            }
            Host::Domain(domain) => domain.as_str(),
        };
        let exchanges = match self.exchanges(domain, asked).await? {
            // RFC 5321 §5.1: no MX at all means the domain itself.
            MxLookup::Nothing => vec![Exchange {
                preference: 0,
                name: domain.to_owned(),
                dns: dns_name(domain)?,
            }],
            MxLookup::Some(exchanges) => exchanges,
        };
        let servers = self.without_ourselves(ordered(exchanges))?;
        self.resolve_all(&servers, asked).await
    }

    /// A server by its name or address, in the same way.
    pub(crate) async fn server(
        &self,
        name: &str,
        port: u16,
        asked: Option<Instant>,
    ) -> Result<Hop, Failure> {
        let addresses = match name.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.addresses(name, dns_name(name)?, port, asked).await?,
        };
        Ok(Hop {
            name: name.to_owned(),
            addresses,
        })
    }

    fn literal(&self, address: IpAddr) -> Hop {
        Hop {
            name: address.to_string(),
            addresses: vec![SocketAddr::new(address, self.port)],
        }
    }

    /// Drops the cached answers for a name, once for each request.
    fn renew(&self, name: &Name, asked: Option<Instant>) {
        let Some(asked) = asked.filter(|asked| self.is_older(&name.to_ascii(), *asked)) else {
            return;
        };
        tracing::debug!(%name, since = ?asked.elapsed(), "looked up anew");
        for kind in [RecordType::MX, RecordType::A, RecordType::AAAA] {
            self.dns.clear_lookup_cache(name.clone(), kind);
        }
    }

    /// Whether a cached answer for the name may be from before `asked`; marks the name as renewed.
    fn is_older(&self, name: &str, asked: Instant) -> bool {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.get(name).is_some_and(|since| *since >= asked) {
            return false;
        }
        if renewed.len() >= MAX_RENEWED {
            // The forgotten names are looked up once more if they are requested again.
            renewed.clear();
        }
        renewed.insert(name.to_owned(), Instant::now());
        true
    }

    async fn exchanges(&self, domain: &str, asked: Option<Instant>) -> Result<MxLookup, Failure> {
        let name = dns_name(domain)?;
        self.renew(&name, asked);
        let answer = match self.dns.mx_lookup(name).await {
            Ok(answer) => answer,
            Err(error) => {
                return match absence(&error) {
                    Some(Absence::OfRecords) => Ok(MxLookup::Nothing),
                    Some(Absence::OfTheName) => Err(no_domain(domain)),
                    None => Err(dns_failed(domain, &error)),
                };
            }
        };
        let mut exchanges: Vec<Exchange> = answer
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::MX(mx) => Some(Exchange {
                    preference: mx.preference,
                    name: plain(&mx.exchange.to_ascii()),
                    dns: mx.exchange.clone(),
                }),
                _ => None,
            })
            .collect();
        if exchanges.is_empty() {
            return Ok(MxLookup::Nothing);
        }
        if exchanges.iter().all(|exchange| exchange.name.is_empty()) {
            // RFC 7505: a null MX.
            return Err(Failure::permanent(
                "5.1.10",
                format!("The domain {domain} accepts no mail (null MX)."),
            ));
        }
        exchanges.retain(|exchange| !exchange.name.is_empty());
        Ok(MxLookup::Some(exchanges))
    }

    /// RFC 5321 §5.1: if this server is among the MX records, those of the same or a worse preference are
    /// removed. They would bring the mail back.
    fn without_ourselves(&self, exchanges: Vec<Exchange>) -> Result<Vec<Exchange>, Failure> {
        let ours = exchanges
            .iter()
            .filter(|exchange| exchange.name == self.hostname)
            .map(|exchange| exchange.preference)
            .min();
        let Some(ours) = ours else {
            return Ok(exchanges);
        };
        let better: Vec<Exchange> = exchanges
            .into_iter()
            .filter(|exchange| exchange.preference < ours)
            .collect();
        if better.is_empty() {
            return Err(loops_back());
        }
        Ok(better)
    }

    async fn resolve_all(
        &self,
        exchanges: &[Exchange],
        asked: Option<Instant>,
    ) -> Result<Servers, Failure> {
        let mut hops = Vec::new();
        let mut unresolved = Vec::new();
        for exchange in exchanges.iter().take(MAX_SERVERS) {
            match self.exchange(exchange, asked).await {
                Ok(addresses) => hops.push(Hop {
                    name: exchange.name.clone(),
                    addresses,
                }),
                Err(failure) => unresolved.push(failure),
            }
        }
        // A temporary failure counts more than a permanent one.
        let failures = unresolved.iter();
        let worst = failures.min_by_key(|failure| failure.permanent).cloned();
        match worst {
            Some(failure) if hops.is_empty() => Err(failure),
            // A better server that cannot be looked up now may be another machine.
            Some(failure) if !failure.permanent => {
                self.keep_foreign(hops, unresolved).map_err(|_| failure)
            }
            _ => self.keep_foreign(hops, unresolved),
        }
    }

    /// Removes servers that are this machine, from the first of them on. On another port than SMTP's, another
    /// program listens there.
    fn keep_foreign(
        &self,
        mut hops: Vec<Hop>,
        unresolved: Vec<Failure>,
    ) -> Result<Servers, Failure> {
        if self.port == SMTP {
            let ourselves = hops.iter().position(|hop| {
                let mut addresses = hop.addresses.iter();
                addresses.any(|address| is_this_machine(address.ip()))
            });
            hops.truncate(ourselves.unwrap_or(hops.len()));
        }
        if hops.is_empty() {
            return Err(loops_back());
        }
        Ok(Servers { hops, unresolved })
    }

    async fn exchange(
        &self,
        exchange: &Exchange,
        asked: Option<Instant>,
    ) -> Result<Vec<SocketAddr>, Failure> {
        // RFC 5321 §5.1 requires a name; some domains have an address there.
        if let Ok(address) = exchange.name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let name = exchange.dns.clone();
        self.addresses(&exchange.name, name, self.port, asked).await
    }

    async fn addresses(
        &self,
        name: &str,
        dns: Name,
        port: u16,
        asked: Option<Instant>,
    ) -> Result<Vec<SocketAddr>, Failure> {
        self.renew(&dns, asked);
        match self.dns.lookup_ip(dns).await {
            Ok(found) => Ok(found
                .iter()
                .map(|address| SocketAddr::new(address, port))
                .collect()),
            Err(error) => Err(match absence(&error) {
                Some(_) => Failure::permanent("5.4.4", format!("The host {name} has no address.")),
                None => dns_failed(name, &error),
            }),
        }
    }
}

enum MxLookup {
    Nothing,
    Some(Vec<Exchange>),
}

/// Sorts by preference, with equal preferences in random order to share the load.
fn ordered(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    exchanges.retain(|exchange| !exchange.name.is_empty());
    exchanges.shuffle(&mut rand::rng());
    exchanges.sort_by_key(|exchange| exchange.preference);
    exchanges
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
