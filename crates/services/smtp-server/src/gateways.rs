//! This host's default gateways: a NAT router makes the Internet look local, so its address is
//! trusted less than its neighbours'.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long what was read is relied on: routes change when a cable is plugged.
const FRESH: Duration = Duration::from_secs(10);

/// The addresses of the default gateways, read again now and then.
pub(crate) struct Gateways {
    known: Mutex<(Instant, Arc<[IpAddr]>)>,
}

impl Gateways {
    pub(crate) fn new() -> Self {
        Self {
            known: Mutex::new((Instant::now(), read())),
        }
    }

    pub(crate) fn current(&self) -> Arc<[IpAddr]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0.elapsed() > FRESH {
            *known = (Instant::now(), read());
        }
        Arc::clone(&known.1)
    }
}

fn read() -> Arc<[IpAddr]> {
    let text = |path| std::fs::read_to_string(path).unwrap_or_default();
    let v4 = text("/proc/net/route");
    let v6 = text("/proc/net/ipv6_route");
    ipv4(&v4).chain(ipv6(&v6)).collect()
}

/// `Iface Destination Gateway …`, addresses in hexadecimal as this machine keeps them.
fn ipv4(table: &str) -> impl Iterator<Item = IpAddr> {
    table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let (destination, gateway) = (columns.next()?, columns.next()?);
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        (destination == "00000000" && gateway != 0)
            .then(|| IpAddr::V4(Ipv4Addr::from(gateway.to_ne_bytes())))
    })
}

/// `destination prefix source prefix next-hop …`.
fn ipv6(table: &str) -> impl Iterator<Item = IpAddr> {
    table.lines().filter_map(|line| {
        let columns: Vec<_> = line.split_ascii_whitespace().take(5).collect();
        let &[destination, prefix, _, _, next_hop] = columns.as_slice() else {
            return None;
        };
        let next_hop = u128::from_str_radix(next_hop, 16).ok()?;
        let default = prefix == "00" && destination.bytes().all(|b| b == b'0');
        (default && next_hop != 0).then(|| IpAddr::V6(Ipv6Addr::from(next_hop)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_routes_are_found_and_others_are_not() {
        let gateway = u32::from_ne_bytes([192, 0, 2, 1]);
        let table = format!(
            "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t{gateway:08X}\t0003\n\
             eth0\t000200C0\t00000000\t0001\n"
        );
        let found: Vec<_> = ipv4(&table).collect();
        assert_eq!(found, [IpAddr::from([192, 0, 2, 1])]);
        let zero = "0".repeat(32);
        let table = format!(
            "{zero} 00 {zero} 00 fe800000000000000000000000000001 0 0 0 3 eth0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 1 0 200200 lo\n"
        );
        let found: Vec<_> = ipv6(&table).map(|ip| ip.to_string()).collect();
        assert_eq!(found, ["fe80::1"]);
    }
}
