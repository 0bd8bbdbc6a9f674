//! `Upkeep`: progress of the background work.

use api::grpc::{Request, Response, Status, async_trait};
use api::mailbox::v1::upkeep_server::Upkeep;
use api::mailbox::v1::{GetUpkeepRequest, GetUpkeepResponse};

use crate::upkeep::Progress;

/// Reports counts that are kept anyway.
#[derive(Debug)]
pub struct UpkeepService {
    progress: Progress,
}

impl UpkeepService {
    /// A service that reports this progress.
    pub fn new(progress: Progress) -> Self {
        Self { progress }
    }
}

#[async_trait]
impl Upkeep for UpkeepService {
    async fn get_upkeep(
        &self,
        _: Request<GetUpkeepRequest>,
    ) -> Result<Response<GetUpkeepResponse>, Status> {
        Ok(Response::new(GetUpkeepResponse {
            outdated_summaries: self.progress.outdated(),
            renewed_summaries: self.progress.renewed(),
            unreadable_bodies: self.progress.unreadable(),
        }))
    }
}
