//! A policy set by the test, with its secrets.

use std::collections::HashMap;

use api::grpc::{Request, Response, Status, async_trait};
use api::policy::v1::policy_server::Policy;
use api::policy::v1::{
    ApplyPolicyRequest, GetPolicyRequest, ListRevisionsRequest, ListRevisionsResponse,
    ListSecretsRequest, ListSecretsResponse, RemoveSecretRequest, RemoveSecretResponse,
    RevealSecretRequest, RevealSecretResponse, Revision, SetSecretRequest, SetSecretResponse,
    WatchPolicyRequest,
};
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::{Answer, Answers, not_asked};

/// The fake policy service.
#[derive(Debug)]
pub struct FakePolicy {
    document: watch::Receiver<String>,
    secrets: HashMap<&'static str, &'static str>,
}

impl FakePolicy {
    /// The revision of every document: tests look for it in records.
    pub const REVISION: u64 = 7;

    /// Follows `document`; while it is empty there is no revision.
    pub fn new(document: watch::Receiver<String>) -> Self {
        Self {
            document,
            secrets: HashMap::new(),
        }
    }

    /// Adds a secret to reveal.
    #[must_use]
    pub fn with_secret(mut self, name: &'static str, value: &'static str) -> Self {
        self.secrets.insert(name, value);
        self
    }
}

#[async_trait]
impl Policy for FakePolicy {
    type WatchPolicyStream = Answers<Revision>;

    async fn watch_policy(
        &self,
        _: Request<WatchPolicyRequest>,
    ) -> Answer<Self::WatchPolicyStream> {
        let revisions = WatchStream::new(self.document.clone())
            .filter(|document| std::future::ready(!document.is_empty()))
            .map(|document| {
                Ok(Revision {
                    revision: Self::REVISION,
                    document,
                    ..Revision::default()
                })
            });
        Ok(Response::new(Box::pin(revisions)))
    }

    async fn reveal_secret(
        &self,
        request: Request<RevealSecretRequest>,
    ) -> Answer<RevealSecretResponse> {
        let name = request.into_inner().name;
        match self.secrets.get(name.as_str()) {
            Some(&secret) => Ok(Response::new(RevealSecretResponse {
                value: secret.into(),
            })),
            None => Err(Status::not_found("no such secret")),
        }
    }

    async fn get_policy(&self, _: Request<GetPolicyRequest>) -> Answer<Revision> {
        not_asked()
    }

    async fn apply_policy(&self, _: Request<ApplyPolicyRequest>) -> Answer<Revision> {
        not_asked()
    }

    async fn list_revisions(
        &self,
        _: Request<ListRevisionsRequest>,
    ) -> Answer<ListRevisionsResponse> {
        not_asked()
    }

    async fn set_secret(&self, _: Request<SetSecretRequest>) -> Answer<SetSecretResponse> {
        not_asked()
    }

    async fn list_secrets(&self, _: Request<ListSecretsRequest>) -> Answer<ListSecretsResponse> {
        not_asked()
    }

    async fn remove_secret(&self, _: Request<RemoveSecretRequest>) -> Answer<RemoveSecretResponse> {
        not_asked()
    }
}
