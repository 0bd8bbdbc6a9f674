//! gRPC health (`grpc.health.v1`): every process answers whether it serves.

use std::time::Duration;

use futures::FutureExt as _;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Answer;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::config::InternalTlsConfig;
use crate::{Endpoint, Error, open_channel};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process's own health: not serving until it is ready, nor once it shuts down.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    /// The process's own name, besides the empty one that means the whole.
    name: &'static str,
    reporter: HealthReporter,
}

impl Health {
    /// Not serving yet.
    pub(crate) fn new(name: &'static str) -> Self {
        let health = Self {
            name,
            reporter: HealthReporter::new(),
        };
        health.set(false);
        health
    }

    /// Says whether the process serves.
    pub(crate) fn set(&self, serving: bool) {
        let status = if serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for name in ["", self.name] {
            let reporter = self.reporter.clone();
            // The lock behind this is held for moments only; a task is for the rare case that it is.
            if self
                .reporter
                .set_service_status(name, status)
                .now_or_never()
                .is_none()
            {
                tokio::spawn(async move { reporter.set_service_status(name, status).await });
            }
        }
    }

    /// The gRPC service that answers for it.
    pub(crate) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}

/// Asks the process at `endpoint` whether it serves.
pub async fn check(endpoint: &Endpoint, tls: Option<&InternalTlsConfig>) -> Result<(), Error> {
    let unhealthy = |reason: String| Error::Unhealthy(format!("{endpoint}: {reason}"));
    let mut client = HealthClient::new(open_channel(endpoint, tls)?);
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let response = tokio::time::timeout(PATIENCE, client.check(request))
        .await
        .map_err(|_| unhealthy(format!("no answer within {} s", PATIENCE.as_secs())))?
        .map_err(|status| unhealthy(status.message().to_owned()))?;
    match response.into_inner().status() {
        Answer::Serving => Ok(()),
        status => Err(unhealthy(status.as_str_name().to_owned())),
    }
}
