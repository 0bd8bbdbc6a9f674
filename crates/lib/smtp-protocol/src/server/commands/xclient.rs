//! XCLIENT (<https://www.postfix.org/XCLIENT_README.html>): a proxy gives its client's address.
//!
//! The command is offered only to named proxies, before any command of a client, and once: later commands
//! come from the client, which must not use XCLIENT.

use std::net::{IpAddr, Ipv6Addr};

use super::Command;
use crate::Reply;
use crate::server::parameters::xtext;
use crate::server::standing::Standing;

/// The attributes announced in EHLO: those with an effect.
pub(in crate::server) const ATTRIBUTES: &str = "ADDR LOGIN DESTADDR";

const MALFORMED: Reply = Reply::new(501, 5, 4, "Malformed XCLIENT attribute");

/// The arguments of XCLIENT. An attribute that is `None` was not given, or is unknown to the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Xclient {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The address that the client connected to.
    pub destination: Option<IpAddr>,
    /// The login that the client proved to the proxy.
    pub login: Option<String>,
}

pub(in crate::server) fn check(standing: &Standing<'_>) -> Result<(), Reply> {
    if standing.terms.xclient {
        Ok(())
    } else {
        Err(Reply::new(550, 7, 0, "XCLIENT is not for you"))
    }
}

pub(in crate::server) fn read(arguments: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    Ok(Command::Xclient(parse(arguments)?))
}

fn parse(arguments: &str) -> Result<Xclient, Reply> {
    let mut told = Xclient::default();
    let mut seen: Vec<String> = Vec::new();
    for item in arguments.split(' ').filter(|item| !item.is_empty()) {
        let (name, value) = item.split_once('=').ok_or(MALFORMED)?;
        let name = name.to_ascii_uppercase();
        let value = xtext(value).ok_or(MALFORMED)?;
        if seen.contains(&name) {
            return Err(MALFORMED);
        }
        let known = !is_unknown(&value);
        match name.as_str() {
            "ADDR" if known => told.address = Some(ip(&value)?),
            "DESTADDR" if known => told.destination = Some(ip(&value)?),
            "LOGIN" if known && !value.is_empty() => told.login = Some(value),
            // Some proxies send these unasked. The name is looked up here, and EHLO is repeated.
            "ADDR" | "DESTADDR" | "LOGIN" | "NAME" | "PORT" | "DESTPORT" | "PROTO" | "HELO" => {}
            _ => return Err(MALFORMED),
        }
        seen.push(name);
    }
    if seen.is_empty() {
        return Err(MALFORMED);
    }
    Ok(told)
}

fn is_unknown(value: &str) -> bool {
    ["[UNAVAILABLE]", "[TEMPUNAVAIL]"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

/// `203.0.113.9`, `IPV6:2001:db8::9`.
fn ip(value: &str) -> Result<IpAddr, Reply> {
    const PREFIX: &str = "IPV6:";
    let ip = match value.split_at_checked(PREFIX.len()) {
        Some((prefix, address)) if prefix.eq_ignore_ascii_case(PREFIX) => {
            address.parse::<Ipv6Addr>().map(IpAddr::V6)
        }
        _ => value.parse(),
    };
    let ip = ip.map_err(|_| MALFORMED)?.to_canonical();
    if ip.is_unspecified() || ip.is_multicast() {
        return Err(MALFORMED);
    }
    Ok(ip)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    fn told(arguments: &str) -> Xclient {
        parse(arguments).unwrap()
    }

    #[test]
    fn what_the_proxy_knows_is_taken() {
        let all = told(
            " NAME=client.test ADDR=203.0.113.9 PORT=4321 PROTO=ESMTP HELO=client.test \
             LOGIN=bob+40example.test DESTADDR=IPv6:2001:db8::1 DESTPORT=25",
        );
        assert_eq!(all.address, Some("203.0.113.9".parse().unwrap()));
        assert_eq!(all.destination, Some("2001:db8::1".parse().unwrap()));
        assert_eq!(all.login.as_deref(), Some("bob@example.test"));
        let mapped = told(" addr=ipv6:::ffff:203.0.113.9");
        assert_eq!(mapped.address, Some("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn what_the_proxy_does_not_know_is_not_said() {
        for arguments in [
            " ADDR=[UNAVAILABLE] LOGIN=[UNAVAILABLE] NAME=[TEMPUNAVAIL]",
            " ADDR=[unavailable]",
            " LOGIN=[TEMPUNAVAIL]",
            " PORT=1",
        ] {
            assert_eq!(told(arguments), Xclient::default(), "{arguments}");
        }
    }

    #[test]
    fn malformed_attributes_are_refused() {
        for arguments in [
            "",
            " ADDR",
            " ADDR=",
            " ADDR=203.0.113",
            " ADDR=IPV6:203.0.113.9",
            " ADDR=0.0.0.0",
            " ADDR=203.0.113.9 ADDR=203.0.113.10",
            " ADDR=203.0.113.9 addr=203.0.113.10",
            " LOGIN=a+4",
            " LOGIN=a+zz",
            " LOGIN=a+0Ab",
            " LOGIN=a+00",
            " LOGIN=a+FF",
            " WEATHER=fine",
        ] {
            assert!(parse(arguments).is_err(), "{arguments}");
        }
    }
}
