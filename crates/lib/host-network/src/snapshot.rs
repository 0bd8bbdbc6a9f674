//! A snapshot of the network.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rules::{Interface, InterfaceSetting, Network, SessionInterface, interface_of};

use crate::dump;
use crate::message::{self, GET_ADDRESS, GET_LINK, GET_ROUTE, NEW_ADDRESS, NEW_LINK, NEW_ROUTE};

/// The network at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// In the kernel's order, including those without addresses. `None` if they could not be read.
    pub interfaces: Option<Vec<Interface>>,
    /// The default gateways, without duplicates.
    pub gateways: Vec<Gateway>,
    /// Their addresses.
    pub gateway_addresses: Arc<[IpAddr]>,
}

/// A default gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its address.
    pub address: IpAddr,
    /// The interface of the route.
    pub interface: Option<Arc<str>>,
}

impl Snapshot {
    /// Reads it from the kernel.
    pub fn read() -> io::Result<Self> {
        let mut interfaces: BTreeMap<u32, Interface> =
            dump::list(GET_LINK, |links: &mut BTreeMap<_, _>, message| {
                if message.kind == NEW_LINK
                    && let Some((index, name)) = message::link(message.payload)
                {
                    let interface = Interface {
                        name: name.into(),
                        addresses: Vec::new(),
                    };
                    links.insert(index, interface);
                }
            })?;
        let addresses = dump::list(GET_ADDRESS, |addresses: &mut Vec<_>, message| {
            if message.kind == NEW_ADDRESS {
                addresses.extend(message::address(message.payload));
            }
        })?;
        for (index, address, prefix) in addresses {
            if let Some(interface) = interfaces.get_mut(&index) {
                interface.addresses.extend(Network::new(address, prefix));
            }
        }
        let hops = dump::list(GET_ROUTE, |hops: &mut Vec<_>, message| {
            if message.kind == NEW_ROUTE {
                hops.extend(message::default_gateways(message.payload));
            }
        })?;
        let mut gateways: Vec<Gateway> = Vec::new();
        for hop in hops {
            let interface = hop.interface.and_then(|index| interfaces.get(&index));
            let gateway = Gateway {
                address: hop.address,
                interface: interface.map(|interface| Arc::clone(&interface.name)),
            };
            if !gateways.contains(&gateway) {
                gateways.push(gateway);
            }
        }
        Ok(Self {
            gateway_addresses: gateways.iter().map(|gateway| gateway.address).collect(),
            gateways,
            interfaces: Some(interfaces.into_values().collect()),
        })
    }

    /// The interface of a connection to a local address, and its class.
    pub fn interface_of(&self, local: IpAddr, settings: &[InterfaceSetting]) -> SessionInterface {
        match &self.interfaces {
            Some(interfaces) => interface_of(local, interfaces, settings),
            None => SessionInterface::unknown("the interfaces of this host cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    #[test]
    fn this_host_has_itself() {
        let snapshot = Snapshot::read().unwrap();
        let found = snapshot.interface_of("127.0.0.1".parse().unwrap(), &[]);
        assert_eq!(found.name.as_ref(), "lo");
        assert_eq!(found.class, rules::NetworkClass::Internal);
        let elsewhere = snapshot.interface_of("192.0.2.77".parse().unwrap(), &[]);
        assert_eq!(elsewhere.class, rules::NetworkClass::External);
    }

    #[test]
    fn what_cannot_be_read_is_trusted_for_nothing() {
        let found = Snapshot::default().interface_of("127.0.0.1".parse().unwrap(), &[]);
        assert_eq!(found.class, rules::NetworkClass::External);
    }
}
