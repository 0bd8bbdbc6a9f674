//! One stream of outcomes: reads, checks and passes them on. The answers come from the writer.

use api::grpc::Streaming;
use api::queue::v1::{CompleteRequest, CompleteResponse};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::job::Job;
use super::outcome::check;
use crate::answers::{Answers, Slot};
use crate::clock::Clock;
use crate::error::Error;

/// Reads requests until the client ends the stream or this process drains. Requests that were read are
/// recorded and answered in any case.
pub(crate) async fn read_stream(
    mut requests: Streaming<CompleteRequest>,
    answers: Answers<CompleteResponse>,
    jobs: mpsc::Sender<Job>,
    clock: Clock,
    shutdown: CancellationToken,
) {
    loop {
        let request = tokio::select! {
            () = shutdown.cancelled() => return,
            request = requests.message() => request,
        };
        let Ok(Some(request)) = request else { return };
        let Some(slot) = Slot::take(&answers, request.tag).await else {
            return;
        };
        match check(request, clock.now()) {
            Err(error) => slot.answer(Err(error)),
            Ok(outcomes) => {
                if let Err(job) = jobs.send(Job { outcomes, slot }).await {
                    let ending = Error::Unavailable("the queue is ending");
                    job.0.slot.answer(Err(ending));
                    return;
                }
            }
        }
    }
}
