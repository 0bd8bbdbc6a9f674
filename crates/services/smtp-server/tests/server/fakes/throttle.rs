//! A throttle with counts set by the test.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use api::grpc::{Request, Response, Status, async_trait};
use api::throttle::v1::throttle_server::Throttle;
use api::throttle::v1::{CountRequest, CountResponse, Counted, GreylistRequest, GreylistResponse};
use tokio::sync::watch;

/// A fake throttle.
#[derive(Clone)]
pub(crate) struct FakeThrottle {
    visitors: Arc<Mutex<HashSet<Vec<u8>>>>,
    /// Reported events.
    pub(crate) reported: Arc<watch::Sender<u64>>,
    /// The contents of every bucket after a report, in microseconds.
    pub(crate) full_for_us: Arc<Mutex<u64>>,
    /// The same for a mere question.
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

    /// The second attempt of any sender passes.
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
