//! Free space of the volume of Postgres' data, if the configuration names its path.

use std::path::PathBuf;

use api::grpc::{Request, Response, Status, async_trait};
use api::queue::v1::storage_server::Storage;
use api::queue::v1::{GetFreeSpaceRequest, GetFreeSpaceResponse};

use crate::error::Error;

/// The service.
#[derive(Debug)]
pub(crate) struct StorageService {
    data_path: Option<PathBuf>,
}

impl StorageService {
    pub(crate) fn new(data_path: Option<PathBuf>) -> Self {
        Self { data_path }
    }
}

#[async_trait]
impl Storage for StorageService {
    async fn get_free_space(
        &self,
        _request: Request<GetFreeSpaceRequest>,
    ) -> Result<Response<GetFreeSpaceResponse>, Status> {
        let Some(path) = self.data_path.clone() else {
            return Ok(Response::new(GetFreeSpaceResponse::default()));
        };
        match database::free_space(path).await {
            Ok(free) => Ok(Response::new(GetFreeSpaceResponse {
                free_octets: Some(free),
            })),
            Err(error) => {
                tracing::warn!(%error, "the free space at `data-path` cannot be read");
                Err(Error::Internal("the free space cannot be read".to_owned()).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    async fn free(path: Option<PathBuf>) -> Result<Option<u64>, Status> {
        let answer = StorageService::new(path)
            .get_free_space(Request::new(GetFreeSpaceRequest {}))
            .await?;
        Ok(answer.into_inner().free_octets)
    }

    #[tokio::test]
    async fn the_volume_of_a_path_is_asked_and_none_is_unknown() {
        assert_eq!(free(None).await.unwrap(), None);
        let folder = tempfile::tempdir().unwrap();
        assert!(free(Some(folder.path().to_owned())).await.unwrap().unwrap() > 0);
        assert!(free(Some(folder.path().join("missing"))).await.is_err());
        // Nothing can be written there.
        assert_eq!(free(Some("/proc".into())).await.unwrap(), Some(0));
    }
}
