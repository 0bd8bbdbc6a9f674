//! Whether a domain takes mail (RFC 5321 §5.1, RFC 7505).

use std::net::IpAddr;

use hickory_resolver::proto::rr::RData;
use rules::{Domain, DomainStanding, is_internal};
use tokio::time::timeout;

use crate::authenticator::Authenticator;
use crate::dns::{absolute, is_absence};

/// Servers whose addresses are looked up; a domain may name hundreds.
const MAX_SERVERS: usize = 5;

impl Authenticator {
    /// Whether a domain has a server that can be reached over the Internet.
    pub async fn standing(&self, domain: &Domain) -> DomainStanding {
        timeout(self.patience, self.look_up_standing(domain.as_str()))
            .await
            .unwrap_or(DomainStanding::Unknown)
    }

    async fn look_up_standing(&self, domain: &str) -> DomainStanding {
        let answer = self.dns.resolver.mx_lookup(absolute(domain)).await;
        let mut servers: Vec<(u16, String)> = match answer {
            Ok(answer) => answer
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii())),
                    _ => None,
                })
                .collect(),
            Err(error) if is_absence(&error) => Vec::new(),
            Err(_) => return DomainStanding::Unknown,
        };
        if servers.is_empty() {
            // RFC 5321 §5.1: no MX at all means the domain itself.
            servers.push((0, domain.to_owned()));
        } else if servers
            .iter()
            .all(|(_, name)| name.trim_matches('.').is_empty())
        {
            return DomainStanding::NullMx;
        }
        servers.sort_unstable();
        let mut standing = DomainStanding::Missing;
        for (_, name) in servers.iter().take(MAX_SERVERS) {
            match self.look_up_server(name).await {
                DomainStanding::Usable => return DomainStanding::Usable,
                // What may be usable later counts most, what leads nowhere more than nothing.
                DomainStanding::Unknown => standing = DomainStanding::Unknown,
                DomainStanding::Unusable if standing == DomainStanding::Missing => {
                    standing = DomainStanding::Unusable;
                }
                _ => {}
            }
        }
        standing
    }

    async fn look_up_server(&self, name: &str) -> DomainStanding {
        match self.dns.resolver.lookup_ip(absolute(name)).await {
            Ok(found) if found.iter().any(is_usable) => DomainStanding::Usable,
            Ok(found) if found.iter().next().is_some() => DomainStanding::Unusable,
            Ok(_) => DomainStanding::Missing,
            Err(error) if is_absence(&error) => DomainStanding::Missing,
            Err(_) => DomainStanding::Unknown,
        }
    }
}

/// Whether a server there could be reached from elsewhere.
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
