//! The network of a simulated session: by this host's interfaces (`postern network`), as the SMTP server
//! determines it, or assumed. Assumptions are marked as such.

use std::net::IpAddr;

use host_network::Snapshot;
use rules::{InterfaceSetting, Network, SessionFacts, SessionInterface, supposed_local};

/// Known facts about the host of the session.
#[derive(Debug)]
pub(super) struct Host<'a> {
    pub(super) network: Snapshot,
    /// The configured interface classes of the SMTP server.
    pub(super) settings: &'a [InterfaceSetting],
    /// The local address from which this host sends to an address, by its routes.
    pub(super) route: fn(IpAddr) -> Option<IpAddr>,
}

/// An assumed fact, and the basis of the assumption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Supposed {
    /// Its name in `explain`.
    pub(super) fact: &'static str,
    pub(super) why: String,
}

impl Supposed {
    fn local(why: impl Into<String>) -> Self {
        Self {
            fact: "local address",
            why: why.into(),
        }
    }
}

/// Completes the facts of a session, whose local address may be `given`. Without a host (for a policy in a
/// file) only the addresses decide.
pub(super) fn complete(
    facts: &mut SessionFacts,
    given: Option<IpAddr>,
    host: Option<&Host<'_>>,
) -> Vec<Supposed> {
    let here = host.filter(|host| {
        // Behind a proxy the local address belongs to another machine; a given interface is used as is.
        facts.proxy.is_none() && facts.interface.is_none() && host.network.interfaces.is_some()
    });
    if let Some(host) = host
        && facts.gateways.is_empty()
    {
        facts.gateways = host.network.gateway_addresses.clone();
    }
    match (here, given) {
        (None, Some(local)) => {
            facts.local = local;
            Vec::new()
        }
        (None, None) => {
            facts.local = supposed_local(facts.peer);
            vec![Supposed::local(
                "by the peer's address alone; --local says it",
            )]
        }
        (Some(host), Some(local)) => {
            facts.local = local;
            let found = host.interface_of(local);
            if host.has(local) {
                facts.interface = Some(found);
                return Vec::new();
            }
            // The session concerns another machine.
            vec![Supposed {
                fact: "local address",
                why: "no interface of this host has it: its class is found by the address alone; --interface \
                      says it"
                    .to_owned(),
            }]
        }
        (Some(host), None) => {
            let (local, why) = host.reached_by(facts.peer);
            facts.local = local.unwrap_or_else(|| supposed_local(facts.peer));
            facts.interface = Some(match local {
                Some(local) => host.interface_of(local),
                None => SessionInterface::unknown("no interface of this host leads to the peer"),
            });
            vec![Supposed::local(why)]
        }
    }
}

impl Host<'_> {
    fn interface_of(&self, local: IpAddr) -> SessionInterface {
        self.network.interface_of(local, self.settings)
    }

    fn addresses(&self) -> impl Iterator<Item = (&str, &Network)> {
        let interfaces = self.network.interfaces.iter().flatten();
        interfaces.flat_map(|interface| {
            let addresses = interface.addresses.iter();
            addresses.map(|address| (&*interface.name, address))
        })
    }

    fn has(&self, local: IpAddr) -> bool {
        let local = local.to_canonical();
        self.addresses().any(|(_, address)| {
            address.address() == local || (local.is_loopback() && address.contains(local))
        })
    }

    /// The assumed local address for a peer, and the basis of the assumption.
    fn reached_by(&self, peer: IpAddr) -> (Option<IpAddr>, String) {
        let peer = peer.to_canonical();
        if self.has(peer) {
            return (Some(peer), "the peer is this host itself".to_owned());
        }
        let by_route = (self.route)(peer).filter(|local| self.has(*local));
        // Without a route: the smallest network that contains the peer.
        let near = self
            .addresses()
            .filter(|(_, address)| address.contains(peer))
            .max_by_key(|(_, address)| address.prefix())
            .map(|(_, address)| address.address());
        let Some(local) = by_route.or(near) else {
            let why = "no interface of this host leads to the peer; --local says which address it connects to";
            return (None, why.to_owned());
        };
        (Some(local), self.why(local, peer))
    }

    /// The basis of the assumption that a peer connects to this local address.
    fn why(&self, local: IpAddr, peer: IpAddr) -> String {
        let name = self.interface_of(local).name;
        let mut networks = self.addresses();
        let near = networks.find(|(of, address)| **of == *name && address.contains(peer));
        if let Some((_, network)) = near {
            return format!("the peer is in the network {network} of the interface {name}");
        }
        let mut gateways = self.network.gateways.iter();
        let gateway = gateways.find(|gateway| {
            gateway.interface.as_deref() == Some(&*name)
                && gateway.address.is_ipv4() == peer.is_ipv4()
        });
        let hint = match gateway {
            Some(gateway) => format!(", where the default gateway {} is", gateway.address),
            None => String::new(),
        };
        format!(
            "the peer is in no network of this host, whose routes lead to it by the interface {name}{hint}"
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use host_network::Gateway;
    use rules::{Interface, NetworkClass};

    use super::*;

    /// The kernel's answers on that server: a default route for IPv4 alone, and a branch office behind a router
    /// of the wide network.
    fn route(peer: IpAddr) -> Option<IpAddr> {
        let rows = [
            ("10.2.0.0/16", "10.2.0.5"),
            ("10.0.0.0/8", "10.0.0.5"),
            ("172.20.0.0/16", "10.0.0.5"),
            ("203.0.113.0/24", "203.0.113.5"),
            ("0.0.0.0/0", "192.168.1.5"),
            ("fd00::/64", "fd00::5"),
        ];
        let leads = |(network, _): &&(&str, &str)| {
            let network: Network = network.parse().unwrap();
            network.contains(peer)
        };
        let (_, local) = rows.iter().find(leads)?;
        Some(local.parse().unwrap())
    }

    fn no_route(_: IpAddr) -> Option<IpAddr> {
        None
    }

    /// An office's server behind a router, with a DMZ and a tunnel.
    fn network() -> Snapshot {
        let interface = |name: &str, addresses: &[&str]| Interface {
            name: name.into(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        };
        let gateway: IpAddr = "192.168.1.1".parse().unwrap();
        Snapshot {
            interfaces: Some(vec![
                interface("lo", &["127.0.0.1/8", "::1/128"]),
                interface("lan", &["192.168.1.5/24", "fd00::5/64"]),
                interface("wide", &["10.0.0.5/8"]),
                interface("narrow", &["10.2.0.5/16"]),
                interface("wan", &["203.0.113.5/24"]),
            ]),
            gateways: vec![Gateway {
                address: gateway,
                interface: Some("lan".into()),
            }],
            gateway_addresses: [gateway].into(),
        }
    }

    fn settings() -> Vec<InterfaceSetting> {
        let text = "interface = [{ name = \"narrow\", class = \"dmz\" }]";
        let table: toml::Table = text.parse().unwrap();
        table["interface"].clone().try_into().unwrap()
    }

    /// Local address, interface and class, and whether they are supposed.
    fn placed(peer: &str, local: Option<&str>, network: Option<Snapshot>) -> String {
        let settings = settings();
        let host = network.map(|network| Host {
            route: if network.gateways.is_empty() {
                no_route
            } else {
                route
            },
            network,
            settings: &settings,
        });
        let peer = peer.parse().unwrap();
        let mut facts = SessionFacts::new("mx", peer, peer);
        let local = local.map(|local| local.parse().unwrap());
        let supposed = complete(&mut facts, local, host.as_ref());
        let interface = facts.interface.map_or("none".to_owned(), |interface| {
            format!("{} {}", interface.name, interface.class)
        });
        let supposed = match supposed.as_slice() {
            [] => "given",
            [one] if one.why.contains("this host itself") => "itself",
            [one] if one.why.contains("in the network") => "near",
            [one] if one.why.contains("where the default gateway 192.168.1.1 is") => "far",
            [one] if one.why.ends_with("by the interface wide") => "by wide",
            [one] if one.why.contains("leads to the peer") => "nowhere",
            [one] if one.why.contains("by the address alone") => "another host",
            [one] if one.why.contains("alone") => "alone",
            other => panic!("{other:?}"),
        };
        format!("{} {interface} {supposed}", facts.local)
    }

    #[test]
    fn a_session_comes_in_where_this_host_would_have_it() {
        let rows = [
            // peer, local address → local address, interface, class, from what it is supposed
            ("192.168.1.77", None, "192.168.1.5 lan internal near"),
            ("192.168.1.1", None, "192.168.1.5 lan internal near"),
            ("10.9.0.7", None, "10.0.0.5 wide internal near"),
            ("10.2.0.7", None, "10.2.0.5 narrow DMZ near"),
            ("203.0.113.9", None, "203.0.113.5 wan external near"),
            ("198.51.100.7", None, "192.168.1.5 lan internal far"),
            // A private network that this host does not have.
            ("192.168.2.7", None, "192.168.1.5 lan internal far"),
            ("127.0.0.1", None, "127.0.0.1 lo internal itself"),
            ("127.9.9.9", None, "127.9.9.9 lo internal itself"),
            ("10.0.0.5", None, "10.0.0.5 wide internal itself"),
            ("fd00::7", None, "fd00::5 lan internal near"),
            // The default gateway is one for IPv4.
            ("2001:db8::7", None, "198.51.100.1 unknown external nowhere"),
            ("172.20.0.7", None, "10.0.0.5 wide internal by wide"),
            (
                "192.168.1.77",
                Some("10.0.0.5"),
                "10.0.0.5 wide internal given",
            ),
            (
                "192.168.1.77",
                Some("172.16.0.9"),
                "172.16.0.9 none another host",
            ),
        ];
        for (peer, local, expected) in rows {
            assert_eq!(
                placed(peer, local, Some(network())),
                expected,
                "{peer} {local:?}"
            );
        }
    }

    #[test]
    fn a_host_that_no_way_leads_to_is_trusted_for_nothing() {
        let mut alone = network();
        alone.gateways.clear();
        alone.interfaces.as_mut().unwrap().truncate(2);
        assert_eq!(
            placed("10.0.0.7", None, Some(alone)),
            "10.0.0.7 unknown external nowhere"
        );
    }

    #[test]
    fn without_a_host_the_addresses_alone_say_it() {
        assert_eq!(placed("10.0.0.7", None, None), "10.0.0.7 none alone");
        assert_eq!(
            placed("10.0.0.7", Some("10.0.0.1"), None),
            "10.0.0.1 none given"
        );
        // The interfaces cannot be read.
        let unread = Some(Snapshot::default());
        assert_eq!(placed("10.0.0.7", None, unread), "10.0.0.7 none alone");
    }

    #[test]
    fn gateways_of_this_host_are_known_unless_others_are_given() {
        let settings = settings();
        let host = Host {
            network: network(),
            settings: &settings,
            route,
        };
        let peer: IpAddr = "192.168.1.1".parse().unwrap();
        let mut facts = SessionFacts::new("mx", peer, peer);
        complete(&mut facts, None, Some(&host));
        assert_eq!(*facts.gateways, [peer]);
        let other: IpAddr = "192.168.1.254".parse().unwrap();
        let mut facts = SessionFacts::new("mx", peer, peer);
        facts.gateways = [other].into();
        complete(&mut facts, None, Some(&host));
        assert_eq!(*facts.gateways, [other]);
        // Given facts are used as is.
        let mut facts = SessionFacts::new("mx", peer, peer);
        facts.interface = Some(SessionInterface {
            name: "eth9".into(),
            class: NetworkClass::Dmz,
            set: false,
            reason: "as given".into(),
        });
        let supposed = complete(&mut facts, None, Some(&host));
        assert_eq!(&*facts.interface.unwrap().name, "eth9");
        assert_eq!(supposed.len(), 1);
    }
}
