//! Asks every process behind an endpoint for its health. A name may have several addresses: replicas.
//!
//! Tells a process that is down from one that cannot be reached from here, which says nothing about it.

use std::error::Error as _;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::config::InternalTlsConfig;
use crate::health::reason_in;
use crate::{Endpoint, Error, Patience, open_channel, open_channel_at, open_channel_within};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a look-up of a name may take.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Addresses of one name that are asked.
const MAX_REPLICAS: usize = 64;

/// The name that every internal certificate holds besides those of its services.
const EVERYBODY: &str = "localhost";

/// What is known of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It serves.
    Serving,
    /// It answers that it is not ready; the reason.
    NotReady(String),
    /// Nobody listens where it should, or it gives no answer.
    Down(String),
    /// It cannot be asked from here; why.
    Unreachable(String),
}

/// Asks all processes that `endpoint` stands for. `name` is that of the process, such as `delivery`: another
/// that answers in its place is not counted. Gives at least one condition.
pub async fn survey(
    name: &str,
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
) -> Vec<Condition> {
    let (Endpoint::Tcp { .. }, Some(tls)) = (endpoint, tls) else {
        return match open_channel(endpoint, tls) {
            Ok(channel) => vec![condition(name, channel).await],
            Err(error) => vec![Condition::Unreachable(error.to_string())],
        };
    };
    let families = match addresses(endpoint).await {
        Ok(families) => families,
        Err(reason) => return vec![Condition::Unreachable(reason)],
    };
    let mut conditions = Vec::new();
    for family in families {
        conditions = join_all(family.into_iter().map(async |address| {
            match open_channel_at(address, EVERYBODY, tls, None) {
                Ok(channel) => condition(name, channel).await,
                Err(error) => Condition::Unreachable(error.to_string()),
            }
        }))
        .await;
        let answers = |one: &Condition| matches!(one, Condition::Serving | Condition::NotReady(_));
        if conditions.iter().any(answers) {
            break;
        }
    }
    conditions
}

/// Channels to all processes that `endpoint` stands for, as far as its name tells their addresses. Those
/// of the second address family, if any, lead to the same processes and are left out.
pub async fn open_channels_within(
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
    patience: Patience,
) -> Result<Vec<Channel>, Error> {
    if let (Endpoint::Tcp { host, .. }, Some(tls)) = (endpoint, tls)
        && let Ok(families) = addresses(endpoint).await
        && let [only] = families.as_slice()
    {
        let channels = only.iter();
        return channels
            .map(|address| open_channel_at(*address, host, tls, Some(patience)))
            .collect();
    }
    open_channel_within(endpoint, tls, patience).map(|channel| vec![channel])
}

/// The addresses of a name by family, in the order in which the system would try them.
async fn addresses(endpoint: &Endpoint) -> Result<Vec<Vec<SocketAddr>>, String> {
    let Endpoint::Tcp { host, port } = endpoint else {
        return Ok(Vec::new());
    };
    let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host.as_str(), *port)))
        .await
        .map_err(|_| {
            format!(
                "no answer about the name {host} within {} s",
                LOOK_UP.as_secs()
            )
        })?
        .map_err(|error| format!("the name {host} is not known here: {error}"))?;
    let families = by_family(found);
    if families.is_empty() {
        return Err(format!("the name {host} has no address"));
    }
    Ok(families)
}

fn by_family(found: impl Iterator<Item = SocketAddr>) -> Vec<Vec<SocketAddr>> {
    let mut families: Vec<Vec<SocketAddr>> = Vec::new();
    for address in found.take(MAX_REPLICAS) {
        let family = families
            .iter_mut()
            .find(|family| family[0].is_ipv4() == address.is_ipv4());
        match family {
            Some(family) if family.contains(&address) => {}
            Some(family) => family.push(address),
            None => families.push(vec![address]),
        }
    }
    families
}

async fn condition(name: &str, channel: Channel) -> Condition {
    let mut client = HealthClient::new(channel);
    let request = HealthCheckRequest {
        service: name.to_owned(),
    };
    match tokio::time::timeout(ANSWER, client.check(request)).await {
        Err(_) => Condition::Down(format!("no answer within {} s", ANSWER.as_secs())),
        Ok(Ok(response)) => {
            let reason = reason_in(response.metadata());
            match response.into_inner().status() {
                ServingStatus::Serving => Condition::Serving,
                status => {
                    Condition::NotReady(reason.unwrap_or_else(|| status.as_str_name().to_owned()))
                }
            }
        }
        Ok(Err(status)) => failed(&status),
    }
}

fn failed(status: &Status) -> Condition {
    if status.code() == Code::NotFound {
        return Condition::Unreachable("another process answers there".to_owned());
    }
    let reason = last_cause(status);
    match connecting(status) {
        // The machine is there, and nobody listens.
        Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound) | None => Condition::Down(reason),
        Some(_) => Condition::Unreachable(reason),
    }
}

/// Why no connection came about, if that is what failed.
fn connecting(status: &Status) -> Option<ErrorKind> {
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

fn last_cause(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = status.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
