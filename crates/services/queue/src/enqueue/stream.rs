//! One stream of submissions: reads, checks and passes them on. The answers come from the writer.

use api::grpc::Streaming;
use api::queue::v1::{EnqueueRequest, EnqueueResponse};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::writer::Job;
use crate::answers::{Answers, Budget, Slot};
use crate::clock::Clock;
use crate::error::Error;
use crate::submission::prepare_submitted;

/// Memory for submissions that wait for their commit, in KiB.
const BUDGET_KIB: u32 = 64 * 1024;

/// Inbox of the writers, with the memory budget of all streams.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    jobs: mpsc::Sender<Job>,
    budget: Budget,
}

impl Intake {
    pub(crate) fn new(jobs: mpsc::Sender<Job>) -> Self {
        Self {
            jobs,
            budget: Budget::new(BUDGET_KIB),
        }
    }
}

/// Reads submissions until the client ends the stream or this process drains. Submissions that were read are
/// committed and answered in any case.
pub(crate) async fn read_stream(
    mut requests: Streaming<EnqueueRequest>,
    answers: Answers<EnqueueResponse>,
    intake: Intake,
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
        match prepare_submitted(request.submission, clock.now()) {
            Err(error) => slot.answer(Err(error)),
            Ok(submission) => {
                let slot = slot.with_share(&intake.budget, submission.weight()).await;
                let job = Job { submission, slot };
                if let Err(job) = intake.jobs.send(job).await {
                    let ending = Error::Unavailable("the queue is ending");
                    job.0.slot.answer(Err(ending));
                    return;
                }
            }
        }
    }
}
