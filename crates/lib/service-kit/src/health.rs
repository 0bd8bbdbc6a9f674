//! gRPC health (`grpc.health.v1`): every process reports whether it is ready and, if not, why.

mod reason;
mod service;

use std::time::Duration;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::config::InternalTlsConfig;
use crate::{Endpoint, Error, open_channel};

pub(crate) use reason::{describe, reason_in};
pub(crate) use service::service;

/// Timeout of an answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The health of a running process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can do its work.
    Ready,
    /// It cannot, for this reason.
    NotReady(String),
}

/// Asks the process at `endpoint` for its health.
///
/// # Errors
/// [`Error::Unhealthy`] if there is no answer: the process is not running or cannot be reached.
pub async fn ask(endpoint: &Endpoint, tls: Option<&InternalTlsConfig>) -> Result<Health, Error> {
    let silent = |reason: String| Error::Unhealthy(format!("{endpoint}: {reason}"));
    let mut client = HealthClient::new(open_channel(std::slice::from_ref(endpoint), tls)?);
    let response = tokio::time::timeout(CALL_TIMEOUT, client.check(HealthCheckRequest::default()))
        .await
        .map_err(|_| silent(format!("no answer within {} s", CALL_TIMEOUT.as_secs())))?
        .map_err(|status| silent(describe(&status)))?;
    let reason = reason_in(response.metadata());
    Ok(match response.into_inner().status() {
        ServingStatus::Serving => Health::Ready,
        _ => Health::NotReady(reason.unwrap_or_else(|| "it does not say why".to_owned())),
    })
}

/// Asks the process at `endpoint` whether it is ready.
///
/// # Errors
/// [`Error::Unhealthy`] with the reason if it is not ready or does not answer.
pub async fn check(endpoint: &Endpoint, tls: Option<&InternalTlsConfig>) -> Result<(), Error> {
    match ask(endpoint, tls).await? {
        Health::Ready => Ok(()),
        Health::NotReady(why) => Err(Error::Unhealthy(format!("{endpoint}: not ready: {why}"))),
    }
}
