//! The health service of a process.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, async_trait};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::reason::set_reason;
use crate::readiness::Readiness;

/// Answers for this process, by its name or by none, and for no other.
pub(crate) struct Answers {
    name: &'static str,
    readiness: Readiness,
    shutdown: CancellationToken,
}

/// The gRPC service. Its streams end with `shutdown`.
pub(crate) fn service(
    name: &'static str,
    readiness: &Readiness,
    shutdown: &CancellationToken,
) -> HealthServer<impl Health> {
    HealthServer::new(Answers {
        name,
        readiness: readiness.clone(),
        shutdown: shutdown.clone(),
    })
}

impl Answers {
    fn response<T>(&self, request: &HealthCheckRequest, body: T) -> Result<Response<T>, Status> {
        if !request.service.is_empty() && request.service != self.name {
            return Err(Status::not_found("another process is here"));
        }
        let mut response = Response::new(body);
        if let Some(reason) = self.readiness.obstacle() {
            set_reason(response.metadata_mut(), &reason);
        }
        Ok(response)
    }
}

#[async_trait]
impl Health for Answers {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let answer = answer(*self.readiness.subscribe().borrow());
        self.response(request.get_ref(), answer)
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let changes = WatchStream::new(self.readiness.subscribe())
            .map(|ready| Ok(answer(ready)))
            .take_until(self.shutdown.clone().cancelled_owned());
        self.response(request.get_ref(), changes.boxed())
    }
}

fn answer(ready: bool) -> HealthCheckResponse {
    let status = match ready {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    };
    HealthCheckResponse {
        status: status.into(),
    }
}
