//! Addresses used by two listeners of a system.

use std::net::SocketAddr;

use figment::value::{Dict, Value};

use super::problem::{Problem, key};
use super::{PROCESSES, SharedConfig};
use crate::Endpoint;

/// A TCP address on which a process listens.
#[derive(Debug)]
struct ListenAddress {
    /// `["smtp-server", "listener", "0", "address"]`
    path: Vec<String>,
    address: SocketAddr,
}

/// The addresses that process `name` shares with another listener, its own or another process's.
///
/// Processes that use Unix sockets are on one machine. Otherwise each may be on its own, and several may have
/// the same address, such as `0.0.0.0:9100`.
pub(super) fn taken_twice(values: &Dict, name: &str, shared: &SharedConfig) -> Vec<Problem> {
    let queue = shared.endpoints.queue.as_deref();
    let queue = queue.and_then(|queue| Endpoint::several(queue).ok());
    let on_one_machine = queue.is_some_and(|replicas| {
        let mut replicas = replicas.iter();
        replicas.all(|replica| matches!(replica, Endpoint::Unix(_)))
    });
    let listen_addresses: Vec<ListenAddress> = PROCESSES
        .iter()
        .filter(|process| on_one_machine || **process == name)
        .flat_map(|process| listen_addresses(values, process))
        .collect();
    let mut problems = Vec::new();
    for (number, listener) in listen_addresses.iter().enumerate() {
        let before = listen_addresses.iter().take(number);
        let mut others = before.filter(|other| {
            let concerns = listener.path.first().is_some_and(|of| of == name)
                || other.path.first().is_some_and(|of| of == name);
            concerns && excludes(listener.address, other.address)
        });
        if let Some(other) = others.next() {
            let text = format!(
                "{} is taken already: {} is {}",
                listener.address,
                key(&other.path),
                other.address
            );
            problems.push(Problem::new(&listener.path, text));
        }
    }
    problems
}

/// The addresses of a process. Invalid ones are reported elsewhere; port 0 is any free one.
fn listen_addresses(values: &Dict, process: &str) -> Vec<ListenAddress> {
    let Some(Value::Dict(_, section)) = values.get(process) else {
        return Vec::new();
    };
    let own = ["listen", "health", "metrics"].map(|key| (vec![key.to_owned()], section.get(key)));
    let listeners = section.get("listener").and_then(Value::as_array);
    let listeners = listeners.into_iter().flatten().enumerate();
    let listeners = listeners.map(|(number, listener)| {
        let path = [
            "listener".to_owned(),
            number.to_string(),
            "address".to_owned(),
        ];
        let address = listener.as_dict().and_then(|table| table.get("address"));
        (path.to_vec(), address)
    });
    own.into_iter()
        .chain(listeners)
        .filter_map(|(key, value)| {
            let address: SocketAddr = value?.as_str()?.parse().ok()?;
            let path = [vec![process.to_owned()], key].concat();
            (address.port() != 0).then_some(ListenAddress { path, address })
        })
        .collect()
}

/// Whether the two cannot be used together. `[::]` is IPv6 only.
fn excludes(one: SocketAddr, other: SocketAddr) -> bool {
    let same_family = one.is_ipv4() == other.is_ipv4();
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && (one.ip() == other.ip() || (same_family && any))
}
