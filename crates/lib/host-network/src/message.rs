//! Netlink messages in the kernel's format (`linux/netlink.h`, `linux/rtnetlink.h`), in this machine's byte
//! order. No length is trusted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const ERROR: u16 = 2;
pub(crate) const DONE: u16 = 3;
pub(crate) const NEW_LINK: u16 = 16;
pub(crate) const GET_LINK: u16 = 18;
pub(crate) const NEW_ADDRESS: u16 = 20;
pub(crate) const GET_ADDRESS: u16 = 22;
pub(crate) const NEW_ROUTE: u16 = 24;
pub(crate) const GET_ROUTE: u16 = 26;

/// NLM_F_REQUEST and NLM_F_DUMP.
const REQUEST_DUMP: u16 = 0x301;
/// NLM_F_DUMP_INTR: the list changed during the read.
const INTERRUPTED: u16 = 0x10;
const HEADER: usize = 16;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// The request for a complete list, for any address family.
pub(crate) fn request(kind: u16) -> [u8; HEADER + 4] {
    let mut request = [0; HEADER + 4];
    request[..4].copy_from_slice(&(HEADER as u32 + 4).to_ne_bytes());
    request[4..6].copy_from_slice(&kind.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    request
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) interrupted: bool,
    pub(crate) payload: &'a [u8],
}

/// The messages in one received buffer.
pub(crate) fn messages(mut octets: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = u32_at(octets, 0)? as usize;
        let message = Message {
            kind: u16_at(octets, 4)?,
            interrupted: u16_at(octets, 6)? & INTERRUPTED != 0,
            payload: octets.get(HEADER..length)?,
        };
        octets = octets.get(aligned(length)..).unwrap_or_default();
        Some(message)
    })
}

/// The attributes after a message's fixed part.
fn attributes(mut octets: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(octets, 0)?);
        // The two highest bits are flags.
        let kind = u16_at(octets, 2)? & 0x3fff;
        let value = octets.get(4..length)?;
        octets = octets.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn attribute(octets: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(octets)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, value)| value)
}

/// An interface: its number and its name.
pub(crate) fn link(payload: &[u8]) -> Option<(u32, &str)> {
    const IFLA_IFNAME: u16 = 3;
    let index = u32_at(payload, 4)?;
    let name = attribute(payload.get(16..)?, IFLA_IFNAME)?;
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    Some((index, std::str::from_utf8(name).ok()?))
}

/// An address: its interface's number, the address, and the prefix length of its network.
pub(crate) fn address(payload: &[u8]) -> Option<(u32, IpAddr, u8)> {
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;
    let (family, prefix) = (*payload.first()?, *payload.get(1)?);
    let index = u32_at(payload, 4)?;
    let rest = payload.get(8..)?;
    // On a point-to-point link IFA_ADDRESS is the other end.
    let own = attribute(rest, IFA_LOCAL).or_else(|| attribute(rest, IFA_ADDRESS))?;
    Some((index, ip(family, own)?, prefix))
}

/// A next hop of a route: its address, and the number of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextHop {
    pub(crate) address: IpAddr,
    pub(crate) interface: Option<u32>,
}

/// The next hops of a default route, in any routing table; none for another route.
pub(crate) fn default_gateways(payload: &[u8]) -> Vec<NextHop> {
    default_route(payload).unwrap_or_default()
}

fn default_route(payload: &[u8]) -> Option<Vec<NextHop>> {
    const RTN_UNICAST: u8 = 1;
    const RTA_MULTIPATH: u16 = 9;
    let (family, prefix) = (*payload.first()?, *payload.get(1)?);
    if *payload.get(7)? != RTN_UNICAST || !is_default(family, prefix) {
        return None;
    }
    let rest = payload.get(12..)?;
    let mut hops: Vec<NextHop> = hop(family, rest, None).into_iter().collect();
    if let Some(paths) = attribute(rest, RTA_MULTIPATH) {
        hops.extend(multipath(family, paths));
    }
    Some(hops)
}

/// The whole Internet, or the halves with which a VPN overrides the real default route; for IPv6 also
/// `2000::/3`, the part in use.
fn is_default(family: u8, prefix: u8) -> bool {
    match family {
        AF_INET => prefix <= 1,
        AF_INET6 => prefix <= 3,
        _ => false,
    }
}

fn hop(family: u8, attributes: &[u8], interface: Option<u32>) -> Option<NextHop> {
    const RTA_OIF: u16 = 4;
    const RTA_GATEWAY: u16 = 5;
    const RTA_VIA: u16 = 18;
    let gateway = attribute(attributes, RTA_GATEWAY).and_then(|value| ip(family, value));
    // An IPv4 route through an IPv6 neighbour (RFC 5549).
    let via = || {
        let value = attribute(attributes, RTA_VIA)?;
        let family = u8::try_from(u16_at(value, 0)?).ok()?;
        ip(family, value.get(2..)?)
    };
    let address = gateway.or_else(via).filter(|ip| !ip.is_unspecified())?;
    let own = attribute(attributes, RTA_OIF).and_then(|value| u32_at(value, 0));
    Some(NextHop {
        address,
        interface: interface.or(own),
    })
}

/// `struct rtnexthop`: length (2), flags, hops, interface (4), attributes.
fn multipath(family: u8, mut octets: &[u8]) -> Vec<NextHop> {
    let mut hops = Vec::new();
    while let Some(length) = u16_at(octets, 0).map(usize::from) {
        let Some(attributes) = octets.get(8..length) else {
            break;
        };
        hops.extend(hop(family, attributes, u32_at(octets, 4)));
        octets = octets.get(aligned(length)..).unwrap_or_default();
    }
    hops
}

fn ip(family: u8, octets: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into()),
        AF_INET6 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into()),
        _ => None,
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let octets = octets.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_ne_bytes(octets))
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    let octets = octets.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_ne_bytes(octets))
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests;
