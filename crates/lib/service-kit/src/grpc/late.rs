//! Services that start after their listener.

use std::convert::Infallible;
use std::future::Ready;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures::future::Either;
use tonic::codegen::{Body, Bytes, Service, StdError, http};
use tonic::{Status, body, service::Routes};

use super::caller::{Callers, admit};

/// Services that can be set later, with the callers allowed. Until then every call is UNAVAILABLE: the caller
/// tries again, as with a process that is not running yet. UNIMPLEMENTED would be a permanent answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Late {
    served: Arc<OnceLock<(Routes, Callers)>>,
}

impl Late {
    /// The routes for a server.
    pub(crate) fn routes(&self) -> Routes {
        let router = Routes::default().into_axum_router();
        Routes::from(router.fallback_service(self.clone()))
    }

    /// Sets the services.
    pub(crate) fn set(&self, routes: Routes, callers: Callers) {
        if self.served.set((routes.prepare(), callers)).is_err() {
            tracing::error!("services were set twice; the first ones stay");
        }
    }
}

type Answer = Result<http::Response<body::Body>, Infallible>;

impl<B> Service<http::Request<B>> for Late
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    type Response = http::Response<body::Body>;
    type Error = Infallible;
    type Future = Either<<Routes as Service<http::Request<B>>>::Future, Ready<Answer>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let refused = |status: Status| Either::Right(std::future::ready(Ok(status.into_http())));
        let Some((routes, callers)) = self.served.get() else {
            return refused(Status::unavailable("the service is starting"));
        };
        match admit(&mut request, *callers) {
            // A router is always ready.
            Ok(()) => Either::Left(routes.clone().call(request)),
            Err(status) => refused(status),
        }
    }
}
