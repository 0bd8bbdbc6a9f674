//! The state shared by the connections of one runtime: their streams to the queue.
//!
//! Each runtime has its own, so that a message and its answer pass between tasks of one thread.

use std::sync::Arc;

use api::grpc::Channel;
use api::queue_client::Enqueuer;
use front_end::Shards;
use service_kit::Service;
use tokio::runtime::Handle;

/// The state of one runtime.
pub(crate) struct Shard {
    /// For texts too large for their submissions.
    pub(crate) queue: Channel,
    pub(crate) enqueuer: Enqueuer,
}

impl Shard {
    /// One for each of the process's runtimes.
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
        // The channel and the stream run on the runtime that creates them.
        let _entered = runtime.enter();
        let queue = service.queue_channel()?;
        let enqueuer = Enqueuer::new(queue.clone());
        enqueuer.stay_open(service.shutdown.clone());
        Ok(Self { queue, enqueuer })
    }
}
