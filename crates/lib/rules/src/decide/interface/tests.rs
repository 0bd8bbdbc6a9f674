#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use serde::Deserialize;

use super::*;
use crate::values::interface::InterfaceSetting;

fn interface(name: &str, addresses: &[&str]) -> Interface {
    Interface {
        name: name.into(),
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
    }
}

fn host() -> Vec<Interface> {
    vec![
        interface("lo", &["127.0.0.1/8", "::1/128", "203.0.113.80/32"]),
        interface("lan", &["192.168.1.5/24", "fe80::5/64", "fd00::5/64"]),
        interface("office", &["10.1.0.5/16", "2001:db8::5/64", "fe80::6/64"]),
        interface("wan", &["203.0.113.5/24", "10.9.9.9/24", "fe80::7/64"]),
        interface("v6only", &["fe80::8/64"]),
        interface("cgnat", &["100.64.0.5/10"]),
        interface("dmz", &["10.2.0.5/16"]),
    ]
}

fn settings(text: &str) -> Vec<InterfaceSetting> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        interface: Vec<InterfaceSetting>,
    }
    toml::from_str::<File>(text).unwrap().interface
}

fn found(local: &str, settings: &[InterfaceSetting]) -> (String, NetworkClass, bool) {
    let found = interface_of(local.parse().unwrap(), &host(), settings);
    (found.name.to_string(), found.class, found.set)
}

#[test]
fn the_class_is_found_by_the_addresses_of_the_interface() {
    use NetworkClass::{External, Internal};
    for (local, name, class) in [
        ("127.0.0.1", "lo", Internal),
        ("127.0.0.53", "lo", Internal),
        ("::1", "lo", Internal),
        ("192.168.1.5", "lan", Internal),
        ("::ffff:192.168.1.5", "lan", Internal),
        ("fe80::5", "lan", Internal),
        ("fd00::5", "lan", Internal),
        // Every office's network has public IPv6 addresses.
        ("10.1.0.5", "office", Internal),
        ("2001:db8::5", "office", External),
        ("fe80::6", "office", External),
        // Beside a public IPv4 address nothing is internal.
        ("203.0.113.5", "wan", External),
        ("10.9.9.9", "wan", External),
        ("fe80::7", "wan", External),
        ("fe80::8", "v6only", Internal),
        ("100.64.0.5", "cgnat", External),
        // An address that is no interface's, and one that only lies in an interface's network.
        ("198.51.100.1", "unknown", External),
        ("192.168.1.6", "unknown", External),
    ] {
        assert_eq!(
            found(local, &[]),
            (name.to_owned(), class, false),
            "{local}"
        );
    }
}

#[test]
fn an_interface_without_address_is_external() {
    let tunnel = interface("tun0", &[]);
    let found = classify(&tunnel, "192.0.2.1".parse().unwrap(), &[]);
    assert_eq!(found.class, NetworkClass::External);
    assert_eq!(found.reason, "it has no address");
}

#[test]
fn what_the_configuration_sets_wins_and_the_first_setting_decides() {
    let settings = settings(
        r#"
        [[interface]]
        name = "dmz"
        class = "dmz"
        [[interface]]
        network = "203.0.113.0/24"
        class = "internal"
        [[interface]]
        name = "w*"
        class = "external"
        [[interface]]
        name = "lan"
        class = "external"
        "#,
    );
    for (local, class) in [
        ("10.2.0.5", NetworkClass::Dmz),
        ("203.0.113.5", NetworkClass::Internal),
        ("10.9.9.9", NetworkClass::External),
        ("192.168.1.5", NetworkClass::External),
    ] {
        let (_, found, set) = found(local, &settings);
        assert_eq!((found, set), (class, true), "{local}");
    }
    assert!(!found("10.1.0.5", &settings).2);
}

#[test]
fn a_setting_names_one_thing() {
    for text in [
        "class = \"internal\"",
        "name = \"a\"\nnetwork = \"10.0.0.0/8\"\nclass = \"internal\"",
        "name = \"\"\nclass = \"internal\"",
        "name = \"a\"\nclass = \"auto\"",
        "network = \"10.0.0.0/99\"\nclass = \"dmz\"",
        "name = \"a\"\nclass = \"dmz\"\nmore = 1",
    ] {
        assert!(toml::from_str::<InterfaceSetting>(text).is_err(), "{text}");
    }
}
