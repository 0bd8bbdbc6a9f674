//! Servers that relay our mail.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use crate::values::domain::Host;

/// A server, or several equivalent ones, that relays our mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gateway {
    /// Its name in the policy.
    pub name: Arc<str>,
    /// The hosts, tried in this order. Never empty.
    pub hosts: Vec<GatewayHost>,
    /// The use of TLS.
    pub tls: GatewayTls,
    /// Our login, if any.
    pub login: Option<Login>,
}

/// A server and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GatewayHost {
    /// A name, or an IP address in text without brackets.
    pub host: String,
    /// Port; default 25.
    pub port: u16,
}

/// TLS to a gateway, with STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayTls {
    /// Never.
    None,
    /// If offered, without verification of the certificate's name.
    Opportunistic,
    /// Always, with a certificate for the host's name.
    Required,
}

/// A login at another server. The password is a secret of the policy, stored separately by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Name of the secret.
    pub secret: String,
}

impl FromStr for GatewayHost {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = host_and_port(text)?;
        let port = port.unwrap_or(25);
        Ok(Self { host, port })
    }
}

impl std::fmt::Display for GatewayHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// `host`, `host:port`, `192.0.2.1:25`, `[2001:db8::1]:25`.
pub(crate) fn host_and_port(text: &str) -> Result<(String, Option<u16>), &'static str> {
    const WRONG: &str = "not a host such as \"smtp.isp.test:587\"";
    let port = |text: &str| {
        text.parse::<u16>()
            .ok()
            .filter(|port| *port != 0)
            .ok_or("the port is not a number between 1 and 65535")
    };
    if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']').ok_or(WRONG)?;
        let address: IpAddr = address.parse().map_err(|_| WRONG)?;
        return match rest.strip_prefix(':') {
            Some(number) => Ok((address.to_string(), Some(port(number)?))),
            None if rest.is_empty() => Ok((address.to_string(), None)),
            None => Err(WRONG),
        };
    }
    let (host, number) = match text.split_once(':') {
        Some((host, number)) => (host, Some(port(number)?)),
        None => (text, None),
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok((address.to_string(), number));
    }
    match Host::parse(host) {
        Ok(Host::Domain(domain)) => Ok((domain.to_string(), number)),
        _ => Err(WRONG),
    }
}
