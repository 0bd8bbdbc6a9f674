//! The interfaces of this host and their network classes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::values::network::Network;
use crate::values::pattern::Pattern;

/// A network class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkClass {
    /// The office's own network.
    Internal,
    /// The Internet.
    External,
    /// Between the two: no client is trusted for its network.
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

/// A configured class, for an interface name or a network.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "WrittenSetting")]
pub struct InterfaceSetting {
    pub(crate) which: Which,
    pub(crate) class: NetworkClass,
}

/// The interfaces that a setting applies to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Which {
    Name(Pattern),
    Network(Network),
}

/// The setting in the configuration.
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

/// The interface of a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SessionInterface {
    /// Its name.
    pub name: Arc<str>,
    /// Its class for sessions to this local address.
    pub class: NetworkClass,
    /// Whether the class was configured; otherwise it was detected.
    pub set: bool,
    /// The reason for the class.
    pub reason: Cow<'static, str>,
}

impl SessionInterface {
    /// For a local address without an interface, or if interfaces cannot be read: no client is trusted for
    /// its network (I8).
    pub fn unknown(reason: &'static str) -> Self {
        Self {
            name: Arc::from("unknown"),
            class: NetworkClass::External,
            set: false,
            reason: Cow::Borrowed(reason),
        }
    }
}
