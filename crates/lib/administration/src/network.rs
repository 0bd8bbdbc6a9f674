//! This machine's networks as the SMTP server sees them.

use std::net::IpAddr;

use host_network::Snapshot;
use rules::{NetworkClass, classify};
use serde::Serialize;

use crate::{Administration, Error, System};

/// The networks of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Networks {
    /// The addresses of its interfaces.
    pub addresses: Vec<Address>,
    /// Its default gateways.
    pub gateways: Vec<Gateway>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Address {
    /// Name of the interface.
    pub interface: String,
    /// With the prefix length; none for an interface without an address.
    pub address: Option<String>,
    /// The class that a listener of class `auto` uses for connections to this address.
    pub class: NetworkClass,
    /// The origin of the class.
    pub by: By,
    /// The reason for the class.
    pub reason: String,
}

/// The origin of an interface's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The configuration.
    Set,
    /// Its addresses.
    Found,
}

/// A default gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gateway {
    /// Its address.
    pub address: IpAddr,
    /// The interface of the route.
    pub interface: Option<String>,
}

/// The networks of this machine, with the configured classes.
///
/// # Errors
/// If the kernel does not answer.
pub fn networks(administration: &Administration) -> Result<Networks, Error> {
    let snapshot = Snapshot::read()
        .map_err(|error| Error::Failed(format!("the network cannot be read: {error}")))?;
    Ok(classified(&snapshot, administration.system()))
}

fn classified(snapshot: &Snapshot, system: &System) -> Networks {
    let interfaces = snapshot.interfaces.iter().flatten();
    let mut addresses = Vec::new();
    for interface in interfaces {
        let mut add = |address: Option<String>, local: IpAddr| {
            let found = classify(interface, local, &system.interfaces);
            addresses.push(Address {
                interface: interface.name.to_string(),
                address,
                class: found.class,
                by: if found.set { By::Set } else { By::Found },
                reason: found.reason.into_owned(),
            });
        };
        for address in &interface.addresses {
            add(Some(address.to_string()), address.address());
        }
        if interface.addresses.is_empty() {
            add(None, IpAddr::from([0; 4]));
        }
    }
    let gateways = snapshot.gateways.iter().map(|gateway| Gateway {
        address: gateway.address,
        interface: gateway.interface.as_ref().map(ToString::to_string),
    });
    Networks {
        addresses,
        gateways: gateways.collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use std::path::Path;

    use rules::Interface;

    use super::*;

    #[test]
    fn each_address_has_its_class_and_the_reason() {
        let interface = |name: &str, addresses: &[&str]| Interface {
            name: name.into(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        };
        let snapshot = Snapshot {
            interfaces: Some(vec![
                interface("lan", &["192.168.1.5/24", "2001:db8::5/64"]),
                interface("dmz0", &["10.2.0.5/16"]),
                interface("tun0", &[]),
            ]),
            gateways: vec![host_network::Gateway {
                address: "192.168.1.1".parse().unwrap(),
                interface: Some("lan".into()),
            }],
            ..Snapshot::default()
        };
        let text = "[[smtp-server.interface]]\nname = \"dmz*\"\nclass = \"dmz\"\n";
        let folder = Path::new("/srv/mail");
        let system = System::read(text, folder, folder, |_| None).unwrap();
        crate::golden::assert_json(
            &classified(&snapshot, &system),
            include_str!("golden/networks.json"),
        );
        let nothing = classified(&Snapshot::default(), &system);
        assert!(nothing.addresses.is_empty() && nothing.gateways.is_empty());
    }
}
