//! A policy that the test sets.

use std::pin::Pin;

use api::grpc::{Request, Response, Status, async_trait};
use api::policy::v1::policy_server::Policy;
use api::policy::v1::{
    ApplyPolicyRequest, GetPolicyRequest, ListRevisionsRequest, ListRevisionsResponse,
    ListSecretsRequest, ListSecretsResponse, RemoveSecretRequest, RemoveSecretResponse,
    RevealSecretRequest, RevealSecretResponse, Revision, SetSecretRequest, SetSecretResponse,
    WatchPolicyRequest,
};
use futures::{Stream, StreamExt as _};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

/// See the module.
pub(crate) struct FakePolicy {
    /// No revision yet while empty.
    pub(crate) document: watch::Receiver<String>,
}

fn not_asked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("delivery does not ask this"))
}

#[async_trait]
impl Policy for FakePolicy {
    type WatchPolicyStream = Pin<Box<dyn Stream<Item = Result<Revision, Status>> + Send>>;

    async fn watch_policy(
        &self,
        _: Request<WatchPolicyRequest>,
    ) -> Result<Response<Self::WatchPolicyStream>, Status> {
        let revisions = WatchStream::new(self.document.clone())
            .filter(|document| std::future::ready(!document.is_empty()))
            .map(|document| {
                Ok(Revision {
                    revision: 7,
                    document,
                    ..Revision::default()
                })
            });
        Ok(Response::new(Box::pin(revisions)))
    }

    async fn get_policy(&self, _: Request<GetPolicyRequest>) -> Result<Response<Revision>, Status> {
        not_asked()
    }

    async fn apply_policy(
        &self,
        _: Request<ApplyPolicyRequest>,
    ) -> Result<Response<Revision>, Status> {
        not_asked()
    }

    async fn list_revisions(
        &self,
        _: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        not_asked()
    }

    async fn set_secret(
        &self,
        _: Request<SetSecretRequest>,
    ) -> Result<Response<SetSecretResponse>, Status> {
        not_asked()
    }

    async fn list_secrets(
        &self,
        _: Request<ListSecretsRequest>,
    ) -> Result<Response<ListSecretsResponse>, Status> {
        not_asked()
    }

    async fn remove_secret(
        &self,
        _: Request<RemoveSecretRequest>,
    ) -> Result<Response<RemoveSecretResponse>, Status> {
        not_asked()
    }

    async fn reveal_secret(
        &self,
        request: Request<RevealSecretRequest>,
    ) -> Result<Response<RevealSecretResponse>, Status> {
        match request.into_inner().name.as_str() {
            "isp" => Ok(Response::new(RevealSecretResponse {
                value: "secret".into(),
            })),
            _ => Err(Status::not_found("no such secret")),
        }
    }
}
