//! Whether a domain accepts mail (RFC 5321 §5.1, RFC 7505).

use std::net::IpAddr;
use std::sync::Arc;

use mail_auth::RecordSet;
use rules::{Domain, DomainStanding, is_internal};
use tokio::time::timeout;

use crate::authenticator::Authenticator;
use crate::dns::says_nothing;

/// Maximum number of servers whose addresses are looked up; a domain may name hundreds.
const MAX_SERVERS: usize = 5;

impl Authenticator {
    /// Whether a domain has a server that can be reached over the Internet.
    pub async fn standing(&self, domain: &Domain) -> DomainStanding {
        timeout(self.patience, self.look_up_standing(domain.as_str()))
            .await
            .unwrap_or(DomainStanding::Unknown)
    }

    async fn look_up_standing(&self, domain: &str) -> DomainStanding {
        let servers = match self.inner.mx_lookup(domain, Some(&self.memory.mx)).await {
            Ok(servers) => servers.rrset,
            Err(error) if is_absence(&error) => Arc::default(),
            Err(_) => return DomainStanding::Unknown,
        };
        let mut names: Vec<&str> = servers
            .iter()
            .flat_map(|server| server.exchanges.iter().map(AsRef::as_ref))
            .collect();
        if names.is_empty() {
            // RFC 5321 §5.1: no MX at all means the domain itself.
            names.push(domain);
        } else if names.iter().all(|name| name.trim_matches('.').is_empty()) {
            return DomainStanding::NullMx;
        }
        let mut standing = DomainStanding::Missing;
        for name in names.into_iter().take(MAX_SERVERS) {
            standing = better(standing, self.look_up_server(name).await);
            if standing == DomainStanding::Usable {
                break;
            }
        }
        standing
    }

    async fn look_up_server(&self, name: &str) -> DomainStanding {
        let v4 = self.inner.ipv4_lookup(name, Some(&self.memory.ipv4)).await;
        let v4 = of_addresses(v4);
        if v4 == DomainStanding::Usable {
            return v4;
        }
        let v6 = self.inner.ipv6_lookup(name, Some(&self.memory.ipv6)).await;
        better(v4, of_addresses(v6))
    }
}

/// The better of two servers: one reachable server is enough; a server that may be reachable later is
/// better than an unusable one, and that is better than none.
fn better(one: DomainStanding, other: DomainStanding) -> DomainStanding {
    let rank = |standing| match standing {
        DomainStanding::Usable => 3,
        DomainStanding::Unknown => 2,
        DomainStanding::Unusable => 1,
        DomainStanding::Missing | DomainStanding::NullMx => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn of_addresses<A: Copy + Into<IpAddr>>(
    answer: Result<RecordSet<A>, mail_auth::Error>,
) -> DomainStanding {
    match answer {
        Ok(found)
            if found
                .rrset
                .iter()
                .any(|address| is_usable((*address).into())) =>
        {
            DomainStanding::Usable
        }
        Ok(found) if !found.rrset.is_empty() => DomainStanding::Unusable,
        Ok(_) => DomainStanding::Missing,
        Err(error) if is_absence(&error) => DomainStanding::Missing,
        Err(_) => DomainStanding::Unknown,
    }
}

fn is_absence(error: &mail_auth::Error) -> bool {
    use mail_auth::{DnsError, Error};
    matches!(error, Error::Dns(DnsError::RecordNotFound(code)) if says_nothing(*code))
}

/// Whether the address is reachable from the Internet.
fn is_usable(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let leads_nowhere = match address {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.octets()[0] == 0 || v4.octets()[0] >= 240,
        IpAddr::V6(_) => false,
    };
    !(is_internal(address) || address.is_unspecified() || address.is_multicast() || leads_nowhere)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

    use super::*;

    #[test]
    fn addresses_that_lead_nowhere_are_not_usable() {
        for bad in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_usable(bad.parse().unwrap()), "{bad}");
        }
        for good in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert!(is_usable(good.parse().unwrap()), "{good}");
        }
    }
}
