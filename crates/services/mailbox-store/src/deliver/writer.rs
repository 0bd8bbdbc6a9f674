//! The single task that writes deliveries.

use api::mailbox::v1::DeliveryResult;
use api::mailbox::v1::delivery_result::Status;
use database::HeldConnection;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::mailbox_ids::MailboxIds;
use super::{Delivery, batch};
use crate::store::{Store, repeated};
use crate::{Error, Result};

/// Approximate number of deliveries in one transaction. Larger transactions only lengthen the wait.
const BATCH: usize = 512;

/// Requests of all streams that may wait for the next transaction. Senders of more wait.
const WAITING: usize = 1024;

/// Takes deliveries from any number of streams.
#[derive(Debug, Clone)]
pub struct Deliverer {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    deliveries: Vec<Delivery>,
    answer: oneshot::Sender<Result<Vec<DeliveryResult>>>,
}

impl Deliverer {
    /// Starts the writer. It ends when every handle is dropped and everything taken is committed.
    pub fn start(store: Store) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING);
        tokio::spawn(write(store, waiting));
        Self { jobs }
    }

    /// Delivers all of them or none; results are in their order. The receiver gets the results after the
    /// commit.
    pub async fn submit(
        &self,
        deliveries: Vec<Delivery>,
    ) -> oneshot::Receiver<Result<Vec<DeliveryResult>>> {
        let (answer, result) = oneshot::channel();
        // If the writer has ended, the answer's sender is dropped, which the receiver notices.
        self.jobs.send(Job { deliveries, answer }).await.ok();
        result
    }

    /// Delivers, and waits for the commit.
    pub async fn deliver(&self, deliveries: Vec<Delivery>) -> Result<Vec<DeliveryResult>> {
        self.submit(deliveries)
            .await
            .await
            .unwrap_or_else(|_| Err(stopped()))
    }
}

/// The error when the writer has ended.
pub(crate) fn stopped() -> Error {
    Error::Unavailable("mailbox-store is stopping".into())
}

async fn write(store: Store, mut waiting: mpsc::Receiver<Job>) {
    let mailbox_ids = MailboxIds::new();
    // Only this task locks it; the attempts of a batch share it.
    let connection = Mutex::new(store.held_connection());
    while let Some(first) = waiting.recv().await {
        let mut count = first.deliveries.len();
        let mut jobs = vec![first];
        while count < BATCH {
            let Ok(job) = waiting.try_recv() else { break };
            count += job.deliveries.len();
            jobs.push(job);
        }
        metrics::histogram!("postern_mailbox_delivery_batch").record(count as f64);
        commit(&store, &connection, &mailbox_ids, jobs).await;
    }
}

async fn commit(
    store: &Store,
    connection: &Mutex<HeldConnection>,
    mailbox_ids: &MailboxIds,
    jobs: Vec<Job>,
) {
    let all: Vec<&Delivery> = jobs.iter().flat_map(|job| &job.deliveries).collect();
    let attempt = async || {
        store.keeps()?;
        let mut connection = connection.lock().await;
        batch::deliver(store, &mut connection, mailbox_ids, &all).await
    };
    match repeated(attempt).await {
        Ok(results) => {
            count(&results);
            let mut results = results.into_iter();
            for job in jobs {
                let own = results.by_ref().take(job.deliveries.len()).collect();
                job.answer.send(Ok(own)).ok();
            }
        }
        // One request must not make the others fail: each is delivered alone.
        Err(error) if jobs.len() > 1 && !error.is_transient() => {
            tracing::warn!(%error, requests = jobs.len(), "delivering one request at a time");
            for job in jobs {
                Box::pin(commit(store, connection, mailbox_ids, vec![job])).await;
            }
        }
        Err(error) => {
            let text = error.to_string();
            let transient = error.is_transient();
            for job in jobs {
                let error = if transient {
                    Error::Unavailable(text.clone())
                } else {
                    Error::Internal(text.clone())
                };
                job.answer.send(Err(error)).ok();
            }
        }
    }
}

fn count(results: &[DeliveryResult]) {
    for result in results {
        let status = match result.status() {
            Status::Delivered => "delivered",
            Status::Duplicate => "duplicate",
            Status::NoSuchUser => "no such user",
            Status::NoSuchBody => "no such body",
            Status::OverQuota | Status::Unspecified => "other",
        };
        metrics::counter!("postern_mailbox_deliveries_total", "status" => status).increment(1);
    }
}
