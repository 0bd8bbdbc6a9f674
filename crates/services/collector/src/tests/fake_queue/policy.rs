//! `policy.v1`: the secret, and the policy as it changes.

use std::pin::Pin;

use api::grpc::{Request, Response, Status, async_trait};
use api::policy::v1::policy_server::Policy;
use api::policy::v1::*;
use futures::stream::{self, Stream};

use super::Shared;
use crate::tests::pop3_server::PASSWORD;

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not part of the fake"))
}

impl Shared {
    /// Waits for a document other than the last.
    async fn next_document(self, last: String) -> String {
        loop {
            let changed = self.changed.notified();
            let document = self.state.lock().unwrap().document.clone();
            if document != last {
                return document;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl Policy for Shared {
    type WatchPolicyStream = Pin<Box<dyn Stream<Item = Result<Revision, Status>> + Send>>;

    async fn watch_policy(
        &self,
        _: Request<WatchPolicyRequest>,
    ) -> Result<Response<Self::WatchPolicyStream>, Status> {
        let begin = (self.clone(), String::new());
        let revisions = stream::unfold(begin, async |(shared, last)| {
            let document = shared.clone().next_document(last).await;
            let revision = Revision {
                revision: 1,
                document: document.clone(),
                ..Revision::default()
            };
            Some((Ok(revision), (shared, document)))
        });
        Ok(Response::new(Box::pin(revisions)))
    }

    async fn reveal_secret(
        &self,
        request: Request<RevealSecretRequest>,
    ) -> Result<Response<RevealSecretResponse>, Status> {
        if request.into_inner().name != "isp-pop" {
            return Err(Status::not_found("no such secret"));
        }
        Ok(Response::new(RevealSecretResponse {
            value: PASSWORD.into(),
        }))
    }

    async fn get_policy(&self, _: Request<GetPolicyRequest>) -> Result<Response<Revision>, Status> {
        no()
    }
    async fn apply_policy(
        &self,
        _: Request<ApplyPolicyRequest>,
    ) -> Result<Response<Revision>, Status> {
        no()
    }
    async fn list_revisions(
        &self,
        _: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        no()
    }
    async fn set_secret(
        &self,
        _: Request<SetSecretRequest>,
    ) -> Result<Response<SetSecretResponse>, Status> {
        no()
    }
    async fn list_secrets(
        &self,
        _: Request<ListSecretsRequest>,
    ) -> Result<Response<ListSecretsResponse>, Status> {
        no()
    }
    async fn remove_secret(
        &self,
        _: Request<RemoveSecretRequest>,
    ) -> Result<Response<RemoveSecretResponse>, Status> {
        no()
    }
}
