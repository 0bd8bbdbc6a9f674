//! One stream of outcomes: reads, checks, passes on; answers come from the writer.

use api::grpc::{Status, Streaming};
use api::queue::v1::{CompleteRequest, CompleteResponse, Completed, complete_response};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::outcome::check;
use super::writer::Job;
use crate::answers::{Answers, Place};
use crate::clock::Clock;
use crate::failure;

/// Reads requests until the client ends the stream or this process drains. Outcomes that were
/// read are recorded and answered in any case.
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
        let Some(place) = Place::take(&answers, request.tag).await else {
            return;
        };
        match check(request, clock.now()) {
            Err(status) => answer(place, Err(status)),
            Ok(outcomes) => {
                if let Err(job) = jobs.send(Job { outcomes, place }).await {
                    answer(job.0.place, Err(Status::unavailable("the queue is ending")));
                    return;
                }
            }
        }
    }
}

/// Answers one request.
pub(super) fn answer(place: Place<CompleteResponse>, result: Result<Completed, Status>) {
    let result = match result {
        Ok(completed) => complete_response::Result::Completed(completed),
        Err(status) => complete_response::Result::Failure(failure::for_stream(&status)),
    };
    place.fill(|tag| CompleteResponse {
        tag,
        result: Some(result),
    });
}
