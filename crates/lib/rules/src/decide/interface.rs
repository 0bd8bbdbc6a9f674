//! The network class of an interface of this host.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::values::interface::{
    Interface, InterfaceSetting, NetworkClass, SessionInterface, Which,
};
use crate::values::network::{Network, is_internal};

/// The interface that has a local address, and its class.
pub fn interface_of(
    local: IpAddr,
    interfaces: &[Interface],
    settings: &[InterfaceSetting],
) -> SessionInterface {
    let local = local.to_canonical();
    let has = |interface: &&Interface| {
        interface.addresses.iter().any(|address| {
            // The host answers on all of 127.0.0.0/8, not only on the configured address.
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

/// External if an address is public or there is none; otherwise internal. In detail:
///
/// - A public IPv4 address makes the whole interface external: on the same network, link-local and private
///   addresses may belong to the provider's other customers.
/// - A public IPv6 address makes it external for IPv6 only: most office networks have one.
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
