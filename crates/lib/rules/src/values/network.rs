//! IP networks, and the addresses of internal networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::values::parsed::parsed;

/// An IP network (`10.20.0.0/16`) or one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of this address and prefix length; `None` if the length is invalid.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// The address as written: any address of the network.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The prefix length in bits.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it contains an address. IPv4 addresses in IPv6 notation count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                shared_bits(u32::from(a) ^ u32::from(b)) >= self.prefix.into()
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                (u128::from(a) ^ u128::from(b)).leading_zeros() >= self.prefix.into()
            }
            _ => false,
        }
    }

    /// Whether all of it lies within 127.0.0.0/8.
    pub(crate) fn is_within_loopback(&self) -> bool {
        self.prefix >= 8 && matches!(self.address, IpAddr::V4(address) if address.is_loopback())
    }

    /// Whether it contains every address.
    pub fn is_everything(&self) -> bool {
        self.prefix == 0
    }
}

fn shared_bits(difference: u32) -> u32 {
    difference.leading_zeros()
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| "not an IP address or network such as 10.20.0.0/16")?;
        let network = match prefix {
            None => Self::new(address, if address.is_ipv4() { 32 } else { 128 }),
            Some(prefix) => prefix
                .parse()
                .ok()
                .and_then(|prefix| Self::new(address, prefix)),
        };
        network.ok_or("the length behind `/` is not a prefix length")
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Whether an address belongs to an internal network: loopback, private (RFC 1918), link-local, or unique
/// local (RFC 4193). Shared address space (RFC 6598) does not: a provider's other customers use it.
pub fn is_internal(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
