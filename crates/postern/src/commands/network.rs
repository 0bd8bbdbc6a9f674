//! `postern network`: this machine's networks as the SMTP server classifies them.

use administration::Administration;
use administration::network::{self, Networks};

use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, written};

/// `postern network`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shows the networks of this machine: run it on the SMTP server's machine. A listener of the class
`auto` uses the class of the local address of each connection; `postern explain` plays a session.

A class can be set in postern.toml, by name or by network; the first match applies:
  [[smtp-server.interface]]
  name = \"eth1\"                  # or network = \"10.2.0.0/16\"
  class = \"dmz\"                  # internal, external

Examples:
  postern network
  postern network --json
  postern --config /etc/postern/postern.toml network")]
pub struct Arguments {}

pub(crate) fn run(
    _: &Arguments,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let networks = network::networks(administration)?;
    screen.show(&networks, || text(&networks));
    Ok(Outcome::Done)
}

fn text(networks: &Networks) -> String {
    let mut table = columns(&["interface", "address", "class", "why"]);
    for row in &networks.addresses {
        table.add_row([
            row.interface.as_str(),
            row.address.as_deref().unwrap_or("none"),
            &row.class.to_string(),
            &row.reason,
        ]);
    }
    let mut parts = vec![written(&table)];
    if networks.gateways.is_empty() {
        parts.push("There is no default gateway.".to_owned());
    } else {
        let mut table = columns(&["default gateway", "interface", "peers of this address"]);
        for row in &networks.gateways {
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
    use administration::network::{Address, By, Gateway};
    use rules::NetworkClass;

    use super::*;

    #[test]
    fn each_address_is_shown_with_its_class_and_why() {
        let address = |interface: &str, address: Option<&str>, class, by, reason: &str| Address {
            interface: interface.to_owned(),
            address: address.map(str::to_owned),
            class,
            by,
            reason: reason.to_owned(),
        };
        let networks = Networks {
            addresses: vec![
                address(
                    "lan",
                    Some("2001:db8::5/64"),
                    NetworkClass::External,
                    By::Found,
                    "it has the public address 2001:db8::5",
                ),
                address(
                    "dmz0",
                    Some("10.2.0.5/16"),
                    NetworkClass::Dmz,
                    By::Set,
                    "set for interfaces named dmz*",
                ),
                address(
                    "tun0",
                    None,
                    NetworkClass::External,
                    By::Found,
                    "it has no address",
                ),
            ],
            gateways: vec![Gateway {
                address: "192.168.1.1".parse().unwrap(),
                interface: Some("lan".to_owned()),
            }],
        };
        assert_eq!(
            text(&networks),
            "\
INTERFACE  ADDRESS         CLASS     WHY
lan        2001:db8::5/64  external  it has the public address 2001:db8::5
dmz0       10.2.0.5/16     DMZ       set for interfaces named dmz*
tun0       none            external  it has no address

DEFAULT GATEWAY  INTERFACE  PEERS OF THIS ADDRESS
192.168.1.1      lan        untrusted: a router can make the Internet look local"
        );
    }

    #[test]
    fn without_a_gateway_it_says_so() {
        let nothing = Networks {
            addresses: Vec::new(),
            gateways: Vec::new(),
        };
        assert!(text(&nothing).ends_with("There is no default gateway."));
    }
}
