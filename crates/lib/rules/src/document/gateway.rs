//! `[[gateway]]`: servers that take our mail for others.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use crate::document::read::{Keys, Section};
use crate::domain::Host;

/// A server, or several that stand in for one another, that takes mail for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gateway {
    /// Its name in the policy.
    pub name: Arc<str>,
    /// Tried in this order. Never empty.
    pub hosts: Vec<GatewayHost>,
    /// Whether TLS is asked for.
    pub tls: GatewayTls,
    /// How we log in, if we do.
    pub login: Option<Login>,
}

/// A server and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GatewayHost {
    /// A name, or an IP address in text without brackets.
    pub host: String,
    /// Port; 25 unless given.
    pub port: u16,
}

/// TLS towards a gateway, by STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayTls {
    /// Never.
    None,
    /// When offered, whoever the certificate names.
    Opportunistic,
    /// Always, with a certificate that names the host.
    Required,
}

/// A login at another server. The password is a secret of the policy, kept apart by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Name of the secret.
    pub secret: String,
}

pub(crate) struct GatewaySection {
    pub(crate) gateway: Gateway,
    pub(crate) line: usize,
}

const KEYS: Keys = Keys {
    known: &["name", "hosts", "tls", "login"],
    planned: &["limits", "port"],
};

pub(super) const LOGIN: Keys = Keys {
    known: &["user", "secret"],
    planned: &["method"],
};

impl GatewaySection {
    pub(crate) fn read_all(top: &Section<'_, '_>) -> Vec<Self> {
        top.sections("gateway", "[[gateway]]", &KEYS)
            .iter()
            .filter_map(Self::read)
            .collect()
    }

    fn read(section: &Section<'_, '_>) -> Option<Self> {
        section.missing("name", "\"isp\"");
        section.missing("hosts", "[\"smtp.isp.test:587\"]");
        let hosts: Vec<GatewayHost> = section
            .list("hosts", str::parse)
            .into_iter()
            .map(|host| host.value)
            .collect();
        if hosts.is_empty() && section.has("hosts") {
            section.refuse("hosts", "`hosts` needs at least one host");
        }
        let login = read_login(section);
        let tls = section.parsed("tls", |text| match text {
            "none" => Ok(GatewayTls::None),
            "opportunistic" => Ok(GatewayTls::Opportunistic),
            "required" => Ok(GatewayTls::Required),
            _ => Err("it can be \"none\", \"opportunistic\" or \"required\""),
        });
        let tls = tls.unwrap_or(match login {
            Some(_) => GatewayTls::Required,
            None => GatewayTls::Opportunistic,
        });
        if login.is_some() && tls != GatewayTls::Required && !hosts.iter().all(is_loopback) {
            section.refuse(
                "tls",
                "a gateway with a `login` needs `tls = \"required\"`: \
                 the password would go over the net in the clear",
            );
        }
        Some(Self {
            gateway: Gateway {
                name: section.text("name")?.into(),
                hosts,
                tls,
                login,
            },
            line: section.line(),
        })
    }
}

fn is_loopback(host: &GatewayHost) -> bool {
    host.host
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

/// `login = { user = …, secret = … }`
pub(super) fn read_login(section: &Section<'_, '_>) -> Option<Login> {
    let login = section.section("login", "`login`", &LOGIN)?;
    login.missing("user", "user = \"office\"");
    login.missing("secret", "secret = \"isp\"");
    let user = login.text("user")?.to_owned();
    let secret = login.parsed("secret", secret_name)?;
    Some(Login { user, secret })
}

/// The names that `policy.v1/SetSecret` takes.
fn secret_name(text: &str) -> Result<String, &'static str> {
    let fits = text.len() <= 100
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("the name of a secret has letters, digits, `-`, `_` and `.`, at most 100")
    }
}

/// `host`, `host:port`, `192.0.2.1:25`, `[2001:db8::1]:25`.
pub(super) fn host_and_port(text: &str) -> Result<(String, Option<u16>), &'static str> {
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
