//! Tells the queue what was refused, so that it can be answered why.
//!
//! Nobody waits for it: a session notes a refusal in memory and goes on, a task of its own reports
//! what has come together. What does not fit, or cannot be reported, is lost and counted.

mod buffer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::grpc::{Channel, Status};
use api::queue::v1::refusals_client::RefusalsClient;
use api::queue::v1::{Refusal, ReportRefusalsRequest};
use metrics::{Counter, counter};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use buffer::Buffer;

/// From the first refusal after a silence to its report: a person who looks finds it.
const SOON: Duration = Duration::from_millis(200);

/// Between two reports. What repeats itself within is one row.
const INTERVAL: Duration = Duration::from_secs(5);

/// Longest silence of a queue that is told.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same at the end of the process.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// A handle; clones share the buffer. The task ends with the process.
#[derive(Clone)]
pub(crate) struct Refusals {
    shared: Arc<Shared>,
}

struct Shared {
    buffer: Mutex<Buffer>,
    something: Notify,
    queue: RefusalsClient<Channel>,
    lost: Counter,
    /// Nothing is kept, and nothing missed.
    off: bool,
}

impl Refusals {
    /// Reports over `queue`, at most so many rows a minute.
    pub(crate) fn start(queue: Channel, rows_a_minute: u32) -> Self {
        let refusals = Self {
            shared: Arc::new(Shared {
                buffer: Mutex::new(Buffer::new(rows_a_minute)),
                something: Notify::new(),
                queue: RefusalsClient::new(queue),
                lost: counter!("postern_smtp_refusals_not_kept_total"),
                off: rows_a_minute == 0,
            }),
        };
        let reported = refusals.clone();
        tokio::spawn(async move { reported.report_for_ever().await });
        refusals
    }

    /// Notes a refusal. Never waits for anybody.
    pub(crate) fn note(&self, refusal: Refusal) {
        if self.shared.off {
            return;
        }
        let kept = self.buffer(|buffer| buffer.note(refusal));
        if !kept {
            self.shared.lost.increment(1);
        }
        self.shared.something.notify_one();
    }

    /// Reports what is left, at the end of the process.
    pub(crate) async fn finish(&self) {
        if let Err(status) = self.report(LAST_PATIENCE).await {
            tracing::debug!(%status, "the last refusals could not be reported");
        }
    }

    async fn report_for_ever(&self) {
        let mut next = Instant::now();
        loop {
            self.shared.something.notified().await;
            sleep_until(next.max(Instant::now() + SOON)).await;
            if let Err(status) = self.report(PATIENCE).await {
                tracing::debug!(%status, "refusals could not be reported; they are kept a while");
                self.shared.something.notify_one();
            }
            next = Instant::now() + INTERVAL;
        }
    }

    async fn report(&self, patience: Duration) -> Result<(), Status> {
        let refusals = self.buffer(Buffer::take);
        if refusals.is_empty() {
            return Ok(());
        }
        let request = ReportRefusalsRequest {
            refusals: refusals.clone(),
        };
        let mut queue = self.shared.queue.clone();
        let reported = timeout(patience, queue.report_refusals(request))
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("the queue does not answer")));
        match reported {
            Ok(_) => Ok(()),
            Err(status) => {
                let lost = self.buffer(|buffer| buffer.put_back(refusals));
                self.shared.lost.increment(lost);
                Err(status)
            }
        }
    }

    fn buffer<T>(&self, use_it: impl FnOnce(&mut Buffer) -> T) -> T {
        let buffer = self.shared.buffer.lock();
        use_it(&mut buffer.unwrap_or_else(PoisonError::into_inner))
    }
}
