//! A throttle that lets in what the test says.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use api::grpc::{Request, Response, Status, async_trait};
use api::throttle::v1::throttle_server::Throttle;
use api::throttle::v1::{CountRequest, CountResponse, Counted, GreylistRequest, GreylistResponse};
use tokio::sync::watch;

/// See the module.
#[derive(Clone)]
pub(crate) struct FakeThrottle {
    visitors: Arc<Mutex<HashSet<Vec<u8>>>>,
    /// Events that were reported.
    pub(crate) reported: Arc<watch::Sender<u64>>,
    /// What every bucket is said to hold, microseconds, when something is reported of it.
    pub(crate) full_for_us: Arc<Mutex<u64>>,
    /// The same when it is only asked about.
    pub(crate) full_before_us: Arc<Mutex<u64>>,
}

impl FakeThrottle {
    pub(crate) fn new() -> Self {
        Self {
            visitors: Arc::default(),
            reported: Arc::new(watch::Sender::new(0)),
            full_for_us: Arc::default(),
            full_before_us: Arc::default(),
        }
    }
}

#[async_trait]
impl Throttle for FakeThrottle {
    async fn count(
        &self,
        request: Request<CountRequest>,
    ) -> Result<Response<CountResponse>, Status> {
        let counted = request.into_inner().counted;
        let events: u64 = counted.iter().map(|counted| counted.events).sum();
        self.reported.send_modify(|reported| *reported += events);
        let full_for = |counted: &Counted| match counted.events {
            0 => *self.full_before_us.lock().unwrap(),
            _ => *self.full_for_us.lock().unwrap(),
        };
        Ok(Response::new(CountResponse {
            full_for_us: counted.iter().map(full_for).collect(),
        }))
    }

    /// Whoever comes a second time is let in.
    async fn greylist(
        &self,
        request: Request<GreylistRequest>,
    ) -> Result<Response<GreylistResponse>, Status> {
        let request = request.into_inner();
        let new = self.visitors.lock().unwrap().insert(request.key.to_vec());
        Ok(Response::new(GreylistResponse {
            wait_ms: if new { request.delay_ms } else { 0 },
        }))
    }
}
