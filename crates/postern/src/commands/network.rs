//! `postern network`: this machine's networks as the SMTP server sees them.

use std::net::IpAddr;

use host_network::Snapshot;
use rules::{NetworkClass, classify};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, written};
use crate::system::System;

/// `postern network`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shows the machine on which it is run: run it where the SMTP server runs. A listener of the class
`auto` treats a connection by the class of the address that it came to; `postern explain` plays one.

A class can be set in postern.toml, by name or by network; the first that matches is taken:
  [[smtp-server.interface]]
  name = \"eth1\"                  # or network = \"10.2.0.0/16\"
  class = \"dmz\"                  # internal, external

Examples:
  postern network
  postern network --json
  postern --config /etc/postern/postern.toml network")]
pub struct Arguments {}

/// What is printed.
#[derive(Debug, Serialize)]
struct Told {
    addresses: Vec<Address>,
    gateways: Vec<Gateway>,
}

#[derive(Debug, Serialize)]
struct Address {
    interface: String,
    /// With the length of its network's prefix; none for an interface without one.
    address: Option<String>,
    class: NetworkClass,
    /// `set` in the configuration, or `found`.
    by: &'static str,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Gateway {
    address: IpAddr,
    interface: Option<String>,
}

pub(crate) fn run(_: &Arguments, system: &System, screen: &Screen) -> Result<Outcome, Failure> {
    let snapshot = Snapshot::read()
        .map_err(|error| Failure::System(format!("the network cannot be read: {error}")))?;
    let told = tell(&snapshot, system);
    screen.show(&told, || text(&told));
    Ok(Outcome::Done)
}

fn tell(snapshot: &Snapshot, system: &System) -> Told {
    let interfaces = snapshot.interfaces.iter().flatten();
    let mut addresses = Vec::new();
    for interface in interfaces {
        let mut add = |address: Option<String>, local: IpAddr| {
            let found = classify(interface, local, &system.interfaces);
            addresses.push(Address {
                interface: interface.name.to_string(),
                address,
                class: found.class,
                by: if found.set { "set" } else { "found" },
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
    Told {
        addresses,
        gateways: gateways.collect(),
    }
}

fn text(told: &Told) -> String {
    let mut table = columns(&["interface", "address", "class", "why"]);
    for row in &told.addresses {
        table.add_row([
            row.interface.as_str(),
            row.address.as_deref().unwrap_or("none"),
            &row.class.to_string(),
            &row.reason,
        ]);
    }
    let mut parts = vec![written(&table)];
    if told.gateways.is_empty() {
        parts.push("There is no default gateway.".to_owned());
    } else {
        let mut table = columns(&["default gateway", "interface", "peers of this address"]);
        for row in &told.gateways {
            let interface = row.interface.as_deref().unwrap_or("unknown");
            let why = "untrusted: a router can make the Internet look local";
            table.add_row([&row.address.to_string(), interface, why]);
        }
        parts.push(written(&table));
    }
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use std::path::Path;

    use rules::Interface;

    use super::*;

    fn snapshot() -> Snapshot {
        let interface = |name: &str, addresses: &[&str]| Interface {
            name: name.into(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        };
        Snapshot {
            interfaces: Some(vec![
                interface("lo", &["127.0.0.1/8"]),
                interface("lan", &["192.168.1.5/24", "2001:db8::5/64"]),
                interface("dmz0", &["10.2.0.5/16"]),
                interface("tun0", &[]),
            ]),
            gateways: vec![host_network::Gateway {
                address: "192.168.1.1".parse().unwrap(),
                interface: Some("lan".into()),
            }],
            ..Snapshot::default()
        }
    }

    fn system() -> System {
        let text = "[[smtp-server.interface]]\nname = \"dmz*\"\nclass = \"dmz\"\n";
        System::read(text, Path::new("/srv/mail"), |_| None).unwrap()
    }

    #[test]
    fn each_address_is_told_with_its_class_and_why() {
        assert_eq!(
            text(&tell(&snapshot(), &system())),
            "\
INTERFACE  ADDRESS         CLASS     WHY
lo         127.0.0.1/8     internal  this host itself
lan        192.168.1.5/24  internal  its IPv4 addresses are private or link-local
lan        2001:db8::5/64  external  it has the public address 2001:db8::5
dmz0       10.2.0.5/16     DMZ       set for interfaces named dmz*
tun0       none            external  it has no address

DEFAULT GATEWAY  INTERFACE  PEERS OF THIS ADDRESS
192.168.1.1      lan        untrusted: a router can make the Internet look local"
        );
    }

    #[test]
    fn programs_read_the_same() {
        let json = serde_json::to_value(tell(&snapshot(), &system())).unwrap();
        assert_eq!(json["addresses"][3]["class"], "dmz");
        assert_eq!(json["addresses"][3]["by"], "set");
        assert_eq!(json["addresses"][4]["address"], serde_json::Value::Null);
        assert_eq!(json["gateways"][0]["address"], "192.168.1.1");
    }

    #[test]
    fn without_a_gateway_it_says_so() {
        let told = tell(&Snapshot::default(), &system());
        assert!(text(&told).ends_with("There is no default gateway."));
    }
}
