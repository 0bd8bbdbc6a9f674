//! The PROXY protocol header, versions 1 and 2
//! (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>; § are its sections), in which a proxy
//! gives the client's address. Octets in, addresses out.
//!
//! The caller decides whom to trust: only connections from named proxies are parsed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// §2.1: the maximum length of a version 1 line, with CRLF.
const LONGEST_LINE: usize = 107;
/// The maximum length of a version 2 header, with its TLVs. The standard allows 64 KiB; senders use a few
/// hundred octets.
const LONGEST_BINARY: usize = 4096;
/// §2.2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const TEXT: &[u8] = b"PROXY ";

/// The content of a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyHeader {
    /// The proxy speaks for itself (LOCAL, for example a health check), or does not give the client
    /// (UNKNOWN, UNSPEC, a Unix socket): only its own address is known.
    Unspecified,
    /// The client's address, and the destination of its connection.
    Addresses {
        /// The client's.
        source: SocketAddr,
        /// The proxy's own, on the client's side.
        destination: SocketAddr,
    },
}

/// The state of a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// More is needed.
    Incomplete,
    /// Complete, with its length in octets.
    Complete(ProxyHeader, usize),
}

/// The reason why the data is no header. §2: the connection must then be closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProxyHeaderError {
    /// The start does not match.
    #[error("the proxy sent no PROXY header")]
    Missing,
    /// The start matches, the rest is invalid.
    #[error("the proxy's PROXY header is malformed: {0}")]
    Malformed(&'static str),
}

use ProxyHeaderError::{Malformed, Missing};

impl ProxyHeader {
    /// Parses a header at the start of the received octets.
    pub fn read(octets: &[u8]) -> Result<Progress, ProxyHeaderError> {
        if begins(octets, SIGNATURE) {
            binary(octets)
        } else if begins(octets, TEXT) {
            text(octets)
        } else {
            Err(Missing)
        }
    }
}

/// Whether the octets begin with `start`, as far as they are there.
fn begins(octets: &[u8], start: &[u8]) -> bool {
    octets.iter().zip(start).all(|(a, b)| a == b)
}

/// §2.1: `PROXY TCP4 192.0.2.1 192.0.2.2 56324 25` CRLF.
fn text(octets: &[u8]) -> Result<Progress, ProxyHeaderError> {
    let window = &octets[..octets.len().min(LONGEST_LINE)];
    let Some(end) = window.iter().position(|octet| *octet == b'\n') else {
        return match window.len() {
            LONGEST_LINE => Err(Malformed("the line is too long")),
            _ => Ok(Progress::Incomplete),
        };
    };
    let line = window[..end].strip_suffix(b"\r");
    let line = line.ok_or(Malformed("the line does not end in CRLF"))?;
    let line = std::str::from_utf8(line).map_err(|_| Malformed("the line is not ASCII"))?;
    let mut words = line.split(' ').skip(1);
    let header = match words.next() {
        // The rest of the line must be ignored.
        Some("UNKNOWN") => ProxyHeader::Unspecified,
        Some("TCP4") => addresses::<Ipv4Addr>(words)?,
        Some("TCP6") => addresses::<Ipv6Addr>(words)?,
        _ => return Err(Malformed("neither TCP4, TCP6 nor UNKNOWN")),
    };
    Ok(Progress::Complete(header, end + 1))
}

fn addresses<'a, I: std::str::FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a str>,
) -> Result<ProxyHeader, ProxyHeaderError> {
    let mut address = || {
        let word = words.next().and_then(|word| word.parse::<I>().ok());
        word.map(Into::into).ok_or(Malformed("not an address"))
    };
    let (source, destination) = (address()?, address()?);
    let mut port = || {
        let word = words.next().filter(|word| is_port(word));
        let port = word.and_then(|word| word.parse().ok());
        port.ok_or(Malformed("not a port"))
    };
    let (source, destination) = ((source, port()?), (destination, port()?));
    if words.next().is_some() {
        return Err(Malformed("more than addresses and ports"));
    }
    told(source, destination)
}

/// §2.1: no sign, no leading zeroes.
fn is_port(word: &str) -> bool {
    word.bytes().all(|octet| octet.is_ascii_digit()) && (word == "0" || !word.starts_with('0'))
}

/// §2.2: signature (12), version and command, family and protocol, length (2), addresses, TLVs.
fn binary(octets: &[u8]) -> Result<Progress, ProxyHeaderError> {
    let Some(&[command, family, high, low]) = octets.get(12..16) else {
        return Ok(Progress::Incomplete);
    };
    let length = 16 + usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_BINARY {
        return Err(Malformed("it is too long"));
    }
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Malformed("neither LOCAL nor PROXY of version 2")),
    };
    let Some(block) = octets.get(16..length) else {
        return Ok(Progress::Incomplete);
    };
    let header = match family {
        // LOCAL: the addresses must be ignored, whatever the family.
        _ if local => ProxyHeader::Unspecified,
        0x00 | 0x31 => ProxyHeader::Unspecified,
        0x11 => binary_addresses::<4, Ipv4Addr>(block)?,
        0x21 => binary_addresses::<16, Ipv6Addr>(block)?,
        _ => return Err(Malformed("not TCP over IPv4 or IPv6")),
    };
    Ok(Progress::Complete(header, length))
}

/// Source, destination, source port, destination port.
fn binary_addresses<const N: usize, I: From<[u8; N]> + Into<IpAddr>>(
    block: &[u8],
) -> Result<ProxyHeader, ProxyHeaderError> {
    let short = Malformed("the addresses are cut off");
    let (source, rest) = block.split_first_chunk::<N>().ok_or(short)?;
    let (destination, rest) = rest.split_first_chunk::<N>().ok_or(short)?;
    let (from, rest) = rest.split_first_chunk::<2>().ok_or(short)?;
    let (to, _) = rest.split_first_chunk::<2>().ok_or(short)?;
    let ip = |octets: &[u8; N]| I::from(*octets).into();
    told(
        (ip(source), u16::from_be_bytes(*from)),
        (ip(destination), u16::from_be_bytes(*to)),
    )
}

fn told(
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
) -> Result<ProxyHeader, ProxyHeaderError> {
    let address = |(ip, port): (IpAddr, u16)| SocketAddr::new(ip.to_canonical(), port);
    let source = address(source);
    if source.ip().is_unspecified() || source.ip().is_multicast() {
        return Err(Malformed("nobody has such an address"));
    }
    Ok(ProxyHeader::Addresses {
        source,
        destination: address(destination),
    })
}

#[cfg(test)]
mod tests;
