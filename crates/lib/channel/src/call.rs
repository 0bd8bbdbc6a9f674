//! Calls: each is assigned to a connection when it begins.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, StdError, http};

use crate::body::{Answer, UnderWay};
use crate::{Channel, Connection};

/// Consecutive lost connections after which a call fails.
const LOST_AT_ONCE: usize = 5;

type Request = http::Request<Body>;
type Response = http::Response<Body>;
type Answering = Pin<Box<dyn Future<Output = Result<Response, StdError>> + Send>>;

impl Service<Request> for Channel {
    type Response = Response;
    type Error = StdError;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            for _ in 0..LOST_AT_ONCE {
                let connection = shared.connections().pick();
                match connection {
                    Some(connection) => return connection.answer(request).await,
                    None => shared.connected().await.map_err(Status::from)?,
                }
            }
            Err(Status::unavailable("connections are lost as soon as they are there").into())
        })
    }
}

impl Service<Request> for Connection {
    type Response = Response;
    type Error = StdError;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let connection = self.clone();
        Box::pin(async move { connection.answer(request).await })
    }
}

impl Connection {
    async fn answer(self, request: Request) -> Result<Response, StdError> {
        let call = UnderWay::on(&self.inner.calls);
        let mut channel = self.inner.channel.clone();
        std::future::poll_fn(|cx| Service::poll_ready(&mut channel, cx)).await?;
        let response = Service::call(&mut channel, request).await?;
        Ok(response.map(|body| Body::new(Answer { body, _call: call })))
    }
}
