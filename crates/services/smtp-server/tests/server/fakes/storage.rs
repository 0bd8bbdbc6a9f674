//! A volume with a free space set by the test.

use api::grpc::{Request, Response, Status, async_trait};
use api::queue::v1::storage_server::Storage;
use api::queue::v1::{GetFreeSpaceRequest, GetFreeSpaceResponse};
use tokio::sync::watch;

/// A fake volume. Clones are the same volume.
#[derive(Clone)]
pub(crate) struct FakeStorage {
    /// Free octets; `None`: the queue does not know.
    pub(crate) free: watch::Sender<Option<u64>>,
    /// How often it was asked.
    pub(crate) asked: watch::Sender<usize>,
}

impl FakeStorage {
    pub(crate) fn new() -> Self {
        Self {
            free: watch::Sender::new(None),
            asked: watch::Sender::new(0),
        }
    }
}

#[async_trait]
impl Storage for FakeStorage {
    async fn get_free_space(
        &self,
        _: Request<GetFreeSpaceRequest>,
    ) -> Result<Response<GetFreeSpaceResponse>, Status> {
        self.asked.send_modify(|count| *count += 1);
        Ok(Response::new(GetFreeSpaceResponse {
            free_octets: *self.free.borrow(),
        }))
    }
}
