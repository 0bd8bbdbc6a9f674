//! Asks every process at an endpoint for its health. A name may have several addresses: replicas.
//!
//! Distinguishes a process that is down from one that cannot be reached from here, whose state is unknown.

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::Duration;

use futures::future::join_all;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::config::InternalTlsConfig;
use crate::grpc::families;
use crate::health::{describe, reason_in};
use crate::{
    CallTimeouts, Channel, Endpoint, Error, open_channel, open_channel_at, open_channel_within,
};

/// Timeout of an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The name in every internal certificate, besides that of its service.
const EVERYBODY: &str = "localhost";

/// The state of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is ready.
    Serving,
    /// It reports that it is not ready, for this reason.
    NotReady(String),
    /// Nothing listens at its address, or it does not answer.
    Down(String),
    /// It cannot be asked from here, for this reason.
    Unreachable(String),
}

/// Asks all processes at `endpoint`. `name` is the process's name, such as `delivery`; another process that
/// answers in its place is not counted. Returns at least one condition.
pub async fn survey(
    name: &str,
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
) -> Vec<Condition> {
    let (Endpoint::Tcp { host, port }, Some(tls)) = (endpoint, tls) else {
        return match open_channel(std::slice::from_ref(endpoint), tls) {
            Ok(channel) => vec![condition(name, channel).await],
            Err(error) => vec![Condition::Unreachable(error.to_string())],
        };
    };
    let families = match families(host, *port).await {
        Ok(families) => families,
        Err(error) => return vec![Condition::Unreachable(error.to_string())],
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

/// Channels to all processes at `endpoints`, one for each address of a name. A name with addresses of both
/// families gets one channel: which of them lead to the same process is unknown.
pub async fn open_channels_within(
    endpoints: &[Endpoint],
    tls: Option<&InternalTlsConfig>,
    timeouts: CallTimeouts,
) -> Result<Vec<Channel>, Error> {
    let mut channels = Vec::new();
    for endpoint in endpoints {
        if let (Endpoint::Tcp { host, port }, Some(tls)) = (endpoint, tls)
            && let Ok(families) = families(host, *port).await
            && let [only] = families.as_slice()
        {
            for address in only {
                channels.push(open_channel_at(*address, host, tls, Some(timeouts))?);
            }
        } else {
            let endpoint = std::slice::from_ref(endpoint);
            channels.push(open_channel_within(endpoint, tls, timeouts)?);
        }
    }
    Ok(channels)
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
    let reason = describe(status);
    match connecting(status) {
        // The machine is there, and nothing listens.
        Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound) | None => Condition::Down(reason),
        Some(_) => Condition::Unreachable(reason),
    }
}

/// The cause, if the connection failed.
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

#[cfg(test)]
mod tests;
