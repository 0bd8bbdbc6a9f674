//! `Upkeep`: progress of the background work.

use api::grpc::{Request, Response, Status, async_trait};
use api::mailbox::v1::upkeep_server::Upkeep;
use api::mailbox::v1::{GetUpkeepRequest, GetUpkeepResponse};

use crate::Error;
use crate::store::Store;
use crate::upkeep::Progress;

/// Reports what is left by all replicas, and what this one has done.
#[derive(Debug)]
pub struct UpkeepService {
    store: Store,
    progress: Progress,
}

impl UpkeepService {
    /// A service that reports this progress.
    pub fn new(store: Store, progress: Progress) -> Self {
        Self { store, progress }
    }
}

#[async_trait]
impl Upkeep for UpkeepService {
    async fn get_upkeep(
        &self,
        _: Request<GetUpkeepRequest>,
    ) -> Result<Response<GetUpkeepResponse>, Status> {
        // Not what this replica counted last: another may have renewed them.
        let outdated = volume::summaries::count_outdated(self.store.pool())
            .await
            .map_err(Error::from)?;
        Ok(Response::new(GetUpkeepResponse {
            outdated_summaries: outdated,
            renewed_summaries: self.progress.renewed(),
            unreadable_bodies: self.progress.unreadable(),
        }))
    }
}
