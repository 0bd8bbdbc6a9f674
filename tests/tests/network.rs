//! Trust by network, on real interfaces: Linux network namespaces stand for the office, its router and the
//! Internet.
//!
//! ```text
//!  laptop ── lan ── server ── wan ── internet
//!     │       │       │                 │
//!     │     router (default gateway,    │
//!     │       NAT) ─────────────────────┘
//!     └───── dmz ─────┘
//! ```

use std::net::SocketAddr;

use crate::harness::{Namespace, SOON, Setup, Smtp, System, eventually};

const CONFIGURATION: &str = r#"
[[smtp-server.listener]]
address = "0.0.0.0:2525"
name = "auto"

[[smtp-server.listener]]
address = "[::]:2525"
name = "auto6"

[[smtp-server.interface]]
network = "10.78.0.0/24"
class = "dmz"
"#;

struct World {
    system: System,
    server: Namespace,
    laptop: Namespace,
    router: Namespace,
    internet: Namespace,
}

impl World {
    fn new() -> Self {
        let [server, laptop, router, internet] = std::array::from_fn(|_| Namespace::new());
        // The router's ports towards the office are one network.
        router.ip("link add lan type bridge");
        for (host, port) in [(&server, "port1"), (&laptop, "port2")] {
            host.connect("lan", &router, port);
            router.ip(&format!("link set {port} master lan"));
        }
        router.ip("link set lan up");
        server.connect("wan", &internet, "direct");
        router.connect("outside", &internet, "inside");
        server.connect("dmz", &laptop, "dmz");
        server.address("lan", &["10.77.0.5/24", "fd77::5/64"]);
        server.address(
            "wan",
            &["203.0.113.5/24", "2001:db8:1::5/64", "10.79.0.5/24"],
        );
        server.address("dmz", &["10.78.0.5/24"]);
        laptop.address("lan", &["10.77.0.7/24", "fd77::7/64"]);
        laptop.address("dmz", &["10.78.0.7/24"]);
        router.address("lan", &["10.77.0.1/24", "fd77::1/64"]);
        router.address("outside", &["198.51.100.1/24"]);
        internet.address("inside", &["198.51.100.9/24"]);
        internet.address(
            "direct",
            &["203.0.113.9/24", "2001:db8:1::9/64", "10.79.0.9/24"],
        );
        server.ip("route add default via 10.77.0.1");
        server.ip("route add default via fd77::1");
        let system = System::start_with(&Setup {
            smtp_server: CONFIGURATION.to_owned(),
            network: Some(server.pid()),
            ..Setup::default()
        });
        Self {
            system,
            server,
            laptop,
            router,
            internet,
        }
    }

    /// How often the log has a relay refusal of this peer.
    fn refused(&self, peer: &str) -> usize {
        let log = self.system.data().join("log/smtp-server.log");
        let peer = format!("refused peer={peer} ");
        let log = std::fs::read_to_string(log).unwrap();
        log.lines()
            .filter(|line| line.contains(&peer) && line.contains("relay-denied"))
            .count()
    }

    /// The router forwards its ports: 25 with its own source address, 26 with the client's.
    fn translate_addresses(&self) {
        self.router.run(&["sysctl", "-qw"], "net.ipv4.ip_forward=1");
        for rule in [
            "add table ip nat",
            "add chain ip nat pre { type nat hook prerouting priority -100 ; }",
            "add chain ip nat post { type nat hook postrouting priority 100 ; }",
            "add rule ip nat pre iif outside tcp dport 25 meta mark set 1 dnat to 10.77.0.5:2525",
            "add rule ip nat pre iif outside tcp dport 26 dnat to 10.77.0.5:2525",
            "add rule ip nat post oif lan meta mark 1 masquerade",
        ] {
            self.router.run(&["nft"], rule);
        }
    }
}

/// Whether a client in this network may send anywhere; otherwise it must be refused as a relay.
fn trusted(from: &Namespace, server: &str) -> bool {
    let server: SocketAddr = server.parse().unwrap();
    let mut smtp = from.within(|| Smtp::hello(server).unwrap());
    assert_eq!(smtp.command("MAIL FROM:<a@client.test>").unwrap().code, 250);
    let reply = smtp.command("RCPT TO:<b@elsewhere.test>").unwrap();
    assert!(
        reply.code == 250 || reply.text.contains("Relaying denied"),
        "{reply:?}"
    );
    reply.code == 250
}

#[test]
fn networks_of_an_office_are_told_apart_and_followed_as_they_change() {
    if !Namespace::can_be_made() {
        return;
    }
    let world = World::new();
    peers_are_trusted_by_the_interface_they_come_in_on(&world);
    a_gateway_is_never_trusted(&world);
    the_command_shows_what_the_server_does(&world);
    changes_are_followed(&world);
}

fn peers_are_trusted_by_the_interface_they_come_in_on(world: &World) {
    for (from, server, expected) in [
        (&world.server, "127.0.0.1:2525", true),
        (&world.server, "[::1]:2525", true),
        (&world.laptop, "10.77.0.5:2525", true),
        (&world.laptop, "[fd77::5]:2525", true),
        (&world.internet, "203.0.113.5:2525", false),
        (&world.internet, "[2001:db8:1::5]:2525", false),
        // A private address on the interface to the Internet belongs to a neighbour, not to this system.
        (&world.internet, "10.79.0.5:2525", false),
        // Set by the configuration.
        (&world.laptop, "10.78.0.5:2525", false),
    ] {
        assert_eq!(trusted(from, server), expected, "{server}");
    }
}

fn a_gateway_is_never_trusted(world: &World) {
    assert!(!trusted(&world.router, "10.77.0.5:2525"));
    assert!(!trusted(&world.router, "[fd77::5]:2525"));
    world.translate_addresses();
    // The Internet with the router's private address, and with its own at our private one.
    for (router, peer) in [
        ("198.51.100.1:25", "10.77.0.1"),
        ("198.51.100.1:26", "198.51.100.9"),
    ] {
        let before = world.refused(peer);
        assert!(!trusted(&world.internet, router));
        eventually("the refusal in the log", SOON, || {
            (world.refused(peer) == before + 1).then_some(())
        });
    }
}

fn the_command_shows_what_the_server_does(world: &World) {
    let told = world.system.json(&["network"]);
    let class = |address: &str| {
        let rows = told["addresses"].as_array().unwrap();
        let row = rows.iter().find(|row| row["address"] == address);
        let row = row.unwrap_or_else(|| panic!("{address} in {told}"));
        format!(
            "{} {}",
            row["class"].as_str().unwrap(),
            row["by"].as_str().unwrap()
        )
    };
    for (address, expected) in [
        ("127.0.0.1/8", "internal found"),
        ("10.77.0.5/24", "internal found"),
        ("fd77::5/64", "internal found"),
        ("203.0.113.5/24", "external found"),
        ("2001:db8:1::5/64", "external found"),
        ("10.79.0.5/24", "external found"),
        ("10.78.0.5/24", "dmz set"),
    ] {
        assert_eq!(class(address), expected, "{address}");
    }
    let gateways = told["gateways"].as_array().unwrap();
    let gateways: Vec<_> = gateways
        .iter()
        .map(|gateway| {
            (
                gateway["address"].as_str().unwrap(),
                gateway["interface"].as_str().unwrap(),
            )
        })
        .collect();
    for gateway in [("10.77.0.1", "lan"), ("fd77::1", "lan")] {
        assert!(gateways.contains(&gateway), "{told}");
    }
    assert!(
        world
            .system
            .postern(&["network"], "")
            .contains("set for the network 10.78.0.0/24")
    );
}

fn changes_are_followed(world: &World) {
    let becomes = |expected: bool, what: &str| {
        eventually(what, SOON, || {
            (trusted(&world.laptop, "10.77.0.5:2525") == expected).then_some(())
        });
    };
    // A second default route, beside the first; two next hops in one route; and none again.
    world.server.ip("route add default via 10.77.0.7 metric 50");
    becomes(false, "the laptop is a default gateway");
    world.server.ip("route del default via 10.77.0.7 metric 50");
    becomes(true, "the laptop is a gateway no more");
    world
        .server
        .ip("route add default metric 60 nexthop via 10.77.0.1 nexthop via 10.77.0.7");
    becomes(false, "the laptop is one of two next hops");
    world.server.ip("route del default metric 60");
    becomes(true, "the laptop is a next hop no more");
    // In another routing table.
    world.server.ip("route add default via 10.77.0.7 table 77");
    becomes(false, "the laptop is a gateway of another table");
    world.server.ip("route flush table 77");
    becomes(true, "the other table is empty");
    // A public address changes the interface's class.
    world.server.ip("address add 192.0.2.5/24 dev lan");
    becomes(false, "the interface has a public address");
    world.server.ip("address del 192.0.2.5/24 dev lan");
    becomes(true, "the interface is internal again");
}
