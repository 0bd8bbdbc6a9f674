//! `Upkeep`: how far the work in the background has come.

use api::grpc::{Request, Response, Status, async_trait};
use api::mailbox::v1::upkeep_server::Upkeep;
use api::mailbox::v1::{GetUpkeepRequest, GetUpkeepResponse};

use crate::upkeep::Progress;

/// Answers from what is counted anyway.
#[derive(Debug)]
pub struct UpkeepService {
    progress: Progress,
}

impl UpkeepService {
    /// Of that progress.
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
