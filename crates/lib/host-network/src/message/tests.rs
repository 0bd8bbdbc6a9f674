#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use super::*;

/// A message of the kernel's.
fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend((HEADER as u32 + payload.len() as u32).to_ne_bytes());
    octets.extend(kind.to_ne_bytes());
    octets.extend(flags.to_ne_bytes());
    octets.extend([0; 8]);
    octets.extend(payload);
    octets.resize(aligned(octets.len()), 0);
    octets
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend((4 + value.len() as u16).to_ne_bytes());
    octets.extend(kind.to_ne_bytes());
    octets.extend(value);
    octets.resize(aligned(octets.len()), 0);
    octets
}

fn route(family: u8, prefix: u8, kind: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = vec![family, prefix, 0, 0, 254, 3, 0, kind, 0, 0, 0, 0];
    payload.extend(attributes.concat());
    payload
}

fn hops(payload: &[u8]) -> Vec<(String, Option<u32>)> {
    default_gateways(payload)
        .into_iter()
        .map(|hop| (hop.address.to_string(), hop.interface))
        .collect()
}

const GATEWAY: u16 = 5;
const OIF: u16 = 4;

#[test]
fn messages_are_told_apart_and_a_cut_one_is_left() {
    let mut octets = message(NEW_LINK, 0, b"abcde");
    octets.extend(message(DONE, INTERRUPTED, b""));
    let found: Vec<_> = messages(&octets)
        .map(|m| (m.kind, m.interrupted, m.payload.to_vec()))
        .collect();
    assert_eq!(
        found,
        [
            (NEW_LINK, false, b"abcde".to_vec()),
            (DONE, true, Vec::new())
        ]
    );
    for length in 0..octets.len() {
        let count = messages(&octets[..length]).count();
        assert_eq!(count, usize::from(length >= 21), "{length}");
    }
}

#[test]
fn a_length_that_lies_ends_the_reading() {
    for length in [0_u32, 3, 15, 1000, u32::MAX] {
        let mut octets = message(NEW_LINK, 0, &[0; 32]);
        octets[..4].copy_from_slice(&length.to_ne_bytes());
        assert_eq!(messages(&octets).count(), 0, "{length}");
    }
    let mut payload = route(AF_INET, 0, 1, &[attribute(GATEWAY, &[192, 0, 2, 1])]);
    for length in [0_u16, 3, 9, 400, u16::MAX] {
        payload[12..14].copy_from_slice(&length.to_ne_bytes());
        assert!(hops(&payload).is_empty(), "{length}");
    }
}

#[test]
fn a_link_has_its_number_and_name() {
    let mut payload = vec![0; 16];
    payload[4..8].copy_from_slice(&7_u32.to_ne_bytes());
    payload.extend(attribute(99, b"x"));
    payload.extend(attribute(3, b"eth0\0"));
    assert_eq!(link(&payload), Some((7, "eth0")));
    assert_eq!(link(&payload[..20]), None);
}

#[test]
fn an_address_is_our_own_also_on_a_point_to_point_link() {
    let mut payload = vec![AF_INET, 24, 0, 0];
    payload.extend(7_u32.to_ne_bytes());
    payload.extend(attribute(1, &[192, 0, 2, 9]));
    let own = |payload: &[u8]| address(payload).unwrap().1.to_string();
    assert_eq!(own(&payload), "192.0.2.9");
    payload.extend(attribute(2, &[192, 0, 2, 1]));
    assert_eq!(own(&payload), "192.0.2.1");
    let mut payload = vec![AF_INET6, 64, 0, 0];
    payload.extend(7_u32.to_ne_bytes());
    payload.extend(attribute(1, &[0xfe; 16]));
    assert_eq!(address(&payload).unwrap().2, 64);
    payload[0] = 77;
    assert_eq!(address(&payload), None);
}

#[test]
fn default_routes_of_every_shape_have_their_gateways() {
    let v4 = attribute(GATEWAY, &[192, 0, 2, 1]);
    let out = attribute(OIF, &7_u32.to_ne_bytes());
    let one = [("192.0.2.1".to_owned(), Some(7))];
    for prefix in [0, 1] {
        let payload = route(AF_INET, prefix, 1, &[v4.clone(), out.clone()]);
        assert_eq!(hops(&payload), one, "/{prefix}");
    }
    let v6 = attribute(GATEWAY, &{
        let mut ip = [0; 16];
        (ip[0], ip[1], ip[15]) = (0xfe, 0x80, 1);
        ip
    });
    let payload = route(AF_INET6, 3, 1, &[v6, out.clone()]);
    assert_eq!(hops(&payload), [("fe80::1".to_owned(), Some(7))]);

    // Several ways at once, and an IPv4 route by an IPv6 neighbour.
    let path = |interface: u32, attributes: Vec<u8>| {
        let mut path = Vec::new();
        path.extend((8 + attributes.len() as u16).to_ne_bytes());
        path.extend([0, 0]);
        path.extend(interface.to_ne_bytes());
        path.extend(attributes);
        path
    };
    let via = [
        AF_INET6, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    ];
    let paths = [path(3, v4.clone()), path(4, attribute(18, &via))].concat();
    let payload = route(AF_INET, 0, 1, &[attribute(9, &paths)]);
    let both = [
        ("192.0.2.1".to_owned(), Some(3)),
        ("fe80::2".to_owned(), Some(4)),
    ];
    assert_eq!(hops(&payload), both);
}

#[test]
fn other_routes_have_none() {
    let v4 = attribute(GATEWAY, &[192, 0, 2, 1]);
    // Of a network; unreachable; without a gateway; of another family.
    assert!(hops(&route(AF_INET, 8, 1, std::slice::from_ref(&v4))).is_empty());
    assert!(hops(&route(AF_INET, 0, 7, std::slice::from_ref(&v4))).is_empty());
    assert!(hops(&route(AF_INET, 0, 1, &[attribute(GATEWAY, &[0; 4])])).is_empty());
    assert!(hops(&route(AF_INET, 0, 1, &[attribute(OIF, &[1, 0, 0, 0])])).is_empty());
    assert!(hops(&route(AF_INET6, 0, 1, std::slice::from_ref(&v4))).is_empty());
    assert!(hops(&route(28, 0, 1, &[v4])).is_empty());
}
