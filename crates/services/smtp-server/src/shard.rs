//! What the connections of one runtime share: their way to the queue.
//!
//! Each has its own, so that a message and its answer are handed from task to task on one thread.

use std::sync::Arc;

use api::grpc::Channel;
use api::queue_client::Enqueuer;
use front_end::Shards;
use service_kit::Service;
use tokio::runtime::Handle;

/// What is shared on one runtime.
pub(crate) struct Shard {
    /// For texts too large to go with their submissions.
    pub(crate) queue: Channel,
    pub(crate) enqueuer: Enqueuer,
}

impl Shard {
    /// One on each of the process's runtimes.
    pub(crate) fn all(service: &Service) -> anyhow::Result<Shards<Self>> {
        let runtimes = service.shards().into_iter();
        let shards: anyhow::Result<Vec<_>> = runtimes
            .map(|runtime| {
                let shard = Self::on(&runtime, service)?;
                Ok((runtime, Arc::new(shard)))
            })
            .collect();
        Ok(Shards::new(shards?))
    }

    fn on(runtime: &Handle, service: &Service) -> anyhow::Result<Self> {
        // The channel and the stream live where they are made.
        let _entered = runtime.enter();
        let queue = service.queue_channel()?;
        let enqueuer = Enqueuer::new(queue.clone());
        enqueuer.stay_open(service.shutdown.clone());
        Ok(Self { queue, enqueuer })
    }
}
