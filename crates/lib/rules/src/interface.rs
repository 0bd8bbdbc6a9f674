//! The interfaces of this host, and to which kind of network each belongs.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::network::{Network, is_internal};
use crate::pattern::Pattern;

/// A kind of network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkClass {
    /// The office's own network.
    Internal,
    /// The Internet.
    External,
    /// Between the two: nobody there is trusted for where they are.
    Dmz,
}

impl fmt::Display for NetworkClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "internal",
            Self::External => "external",
            Self::Dmz => "DMZ",
        })
    }
}

impl FromStr for NetworkClass {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "internal" => Ok(Self::Internal),
            "external" => Ok(Self::External),
            "dmz" => Ok(Self::Dmz),
            _ => Err("the class can be internal, external or dmz"),
        }
    }
}

/// An interface of this host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: Arc<str>,
    /// Its addresses, each with the network that it is in.
    pub addresses: Vec<Network>,
}

/// A class that the configuration sets, by an interface's name or by network.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "WrittenSetting")]
pub struct InterfaceSetting {
    which: Which,
    class: NetworkClass,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Which {
    Name(Pattern),
    Network(Network),
}

/// As it stands in the configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenSetting {
    name: Option<String>,
    network: Option<Network>,
    class: NetworkClass,
}

impl TryFrom<WrittenSetting> for InterfaceSetting {
    type Error = &'static str;

    fn try_from(written: WrittenSetting) -> Result<Self, Self::Error> {
        let which = match (written.name, written.network) {
            (Some(name), None) if !name.is_empty() => Which::Name(Pattern::new(&name)),
            (None, Some(network)) => Which::Network(network),
            _ => return Err("an interface is told by its `name` or by a `network`, one of them"),
        };
        Ok(Self {
            which,
            class: written.class,
        })
    }
}

/// The interface that a session came in on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SessionInterface {
    /// Its name.
    pub name: Arc<str>,
    /// Its class, as far as sessions to this local address are concerned.
    pub class: NetworkClass,
    /// Whether the configuration set the class; otherwise it was found.
    pub set: bool,
    /// Why it is of this class.
    pub reason: Cow<'static, str>,
}

impl SessionInterface {
    /// For a local address that is on no interface, or when interfaces cannot be read: nobody is
    /// trusted for where they are (I8).
    pub fn unknown(reason: &'static str) -> Self {
        Self {
            name: Arc::from("unknown"),
            class: NetworkClass::External,
            set: false,
            reason: Cow::Borrowed(reason),
        }
    }
}

/// The interface that has a local address, and its class.
pub fn interface_of(
    local: IpAddr,
    interfaces: &[Interface],
    settings: &[InterfaceSetting],
) -> SessionInterface {
    let local = local.to_canonical();
    let has = |interface: &&Interface| {
        interface.addresses.iter().any(|address| {
            // All of 127.0.0.0/8 is answered, not only the address that is shown.
            address.address() == local || (local.is_loopback() && address.contains(local))
        })
    };
    match interfaces.iter().find(has) {
        Some(interface) => classify(interface, local, settings),
        None => SessionInterface::unknown("no interface of this host has the local address"),
    }
}

/// The class of an interface for sessions to one of its addresses.
pub fn classify(
    interface: &Interface,
    local: IpAddr,
    settings: &[InterfaceSetting],
) -> SessionInterface {
    let answer = |class, set, reason| SessionInterface {
        name: Arc::clone(&interface.name),
        class,
        set,
        reason,
    };
    let setting = settings.iter().find(|setting| match &setting.which {
        Which::Name(pattern) => pattern.matches(&interface.name),
        Which::Network(network) => network.contains(local),
    });
    if let Some(setting) = setting {
        let reason = match &setting.which {
            Which::Name(name) => format!("set for interfaces named {name}"),
            Which::Network(network) => format!("set for the network {network}"),
        };
        return answer(setting.class, true, reason.into());
    }
    let (class, reason) = found_class(interface, local);
    answer(class, false, reason)
}

/// Public or none: external; else internal. What is told apart:
///
/// - A public IPv4 address makes the whole interface external: beside it, a link-local or private
///   address is where the provider's other customers are.
/// - A public IPv6 address makes it external for IPv6 alone: any office's network has one.
fn found_class(interface: &Interface, local: IpAddr) -> (NetworkClass, Cow<'static, str>) {
    if local.is_loopback() {
        return (NetworkClass::Internal, "this host itself".into());
    }
    let public = interface.addresses.iter().map(Network::address).find(|a| {
        let counts = a.is_ipv4() || local.is_ipv6();
        counts && !is_internal(*a)
    });
    if let Some(public) = public {
        let reason = format!("it has the public address {public}");
        return (NetworkClass::External, reason.into());
    }
    if interface.addresses.is_empty() {
        return (NetworkClass::External, "it has no address".into());
    }
    let reason = if local.is_ipv4() {
        "its IPv4 addresses are private or link-local"
    } else {
        "its addresses are private or link-local"
    };
    (NetworkClass::Internal, reason.into())
}

#[cfg(test)]
mod tests;
