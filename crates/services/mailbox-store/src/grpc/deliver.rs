//! The stream of Deliver: many requests at a time, each answered after its commit.

use api::grpc::{Status, Streaming};
use api::mailbox::v1::{
    DeliverRequest, DeliverResponse, Delivered, DeliveryResult, deliver_response,
};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::deliver::Deliverer;
use crate::{Error, Result};

/// Unanswered requests of one stream; the next one waits in the stream's window.
const UNDER_WAY: usize = 256;

/// Serves one stream until the peer ends it, it breaks, or shutdown. All accepted requests are answered.
pub(super) async fn serve(
    deliverer: Deliverer,
    mut requests: Streaming<DeliverRequest>,
    answers: mpsc::Sender<Result<DeliverResponse, Status>>,
    shutdown: CancellationToken,
) {
    let mut under_way = FuturesUnordered::new();
    let mut open = true;
    while open || !under_way.is_empty() {
        tokio::select! {
            request = requests.message(), if open && under_way.len() < UNDER_WAY => {
                match request {
                    Ok(Some(request)) => {
                        let deliveries =
                            request.deliveries.into_iter().map(Into::into).collect();
                        let result = deliverer.submit(deliveries).await;
                        let tag = request.tag;
                        under_way.push(async move { (tag, result.await) });
                    }
                    Ok(None) | Err(_) => open = false,
                }
            }
            Some((tag, result)) = under_way.next() => {
                let result = result.unwrap_or_else(|_| {
                    Err(Error::Unavailable("mailbox-store is stopping".into()))
                });
                if answers.send(Ok(response(tag, result))).await.is_err() {
                    return;
                }
            }
            () = shutdown.cancelled(), if open => open = false,
        }
    }
}

fn response(tag: u64, result: Result<Vec<DeliveryResult>>) -> DeliverResponse {
    let result = match result {
        Ok(results) => deliver_response::Result::Delivered(Delivered { results }),
        Err(error) => deliver_response::Result::Failure(Status::from(error).into()),
    };
    DeliverResponse {
        tag,
        result: Some(result),
    }
}
