//! What the connections of one runtime share: their way to the queue.
//!
//! Each lane has its own, so that a message and its answer are handed from task to task on one thread.

use std::sync::Arc;

use api::grpc::Channel;
use api::queue_client::Enqueuer;
use service_kit::Service;
use session_io::Lanes;
use tokio::runtime::Handle;

/// See the module.
pub(crate) struct Lane {
    /// For texts too large to go with their submissions.
    pub(crate) queue: Channel,
    pub(crate) enqueuer: Enqueuer,
}

impl Lane {
    /// One on each of the process's runtimes.
    pub(crate) fn all(service: &Service) -> anyhow::Result<Lanes<Self>> {
        let runtimes = service.lanes().into_iter();
        let lanes: anyhow::Result<Vec<_>> = runtimes
            .map(|runtime| {
                let lane = Self::on(&runtime, service)?;
                Ok((runtime, Arc::new(lane)))
            })
            .collect();
        Ok(Lanes::new(lanes?))
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
