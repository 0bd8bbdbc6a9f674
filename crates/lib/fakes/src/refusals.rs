//! The queue's record of refusals.

use std::time::Duration;

use api::grpc::{Request, Response, Status, async_trait};
use api::queue::v1::refusals_server::Refusals;
use api::queue::v1::{
    ListRefusalsRequest, ListRefusalsResponse, Refusal, ReportRefusalsRequest,
    ReportRefusalsResponse,
};
use tokio::sync::watch;

/// Longer than a report takes to arrive.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(30);

/// The recorded refusals. Clones share them.
#[derive(Clone, Debug)]
pub struct FakeRefusals {
    reported: watch::Sender<Vec<Refusal>>,
    /// Reports fail while this is true.
    pub away: watch::Sender<bool>,
}

impl Default for FakeRefusals {
    fn default() -> Self {
        Self {
            reported: watch::Sender::new(Vec::new()),
            away: watch::Sender::new(false),
        }
    }
}

impl FakeRefusals {
    /// Without reports.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for this number of refusals, and returns the rows.
    pub async fn told(&self, refusals: u64) -> Vec<Refusal> {
        let mut reported = self.reported.subscribe();
        let enough =
            reported.wait_for(|rows| rows.iter().map(|r| r.count).sum::<u64>() >= refusals);
        let rows = tokio::time::timeout(ARRIVAL_TIMEOUT, enough).await;
        rows.expect("refusals are reported").unwrap().clone()
    }

    /// The rows so far.
    pub fn so_far(&self) -> Vec<Refusal> {
        self.reported.borrow().clone()
    }
}

#[async_trait]
impl Refusals for FakeRefusals {
    async fn report_refusals(
        &self,
        request: Request<ReportRefusalsRequest>,
    ) -> Result<Response<ReportRefusalsResponse>, Status> {
        if *self.away.borrow() {
            return Err(Status::unavailable("secret cause"));
        }
        let refusals = request.into_inner().refusals;
        self.reported.send_modify(|rows| rows.extend(refusals));
        Ok(Response::new(ReportRefusalsResponse {}))
    }

    async fn list_refusals(
        &self,
        _: Request<ListRefusalsRequest>,
    ) -> Result<Response<ListRefusalsResponse>, Status> {
        Err(Status::unimplemented("front ends do not ask this"))
    }
}
