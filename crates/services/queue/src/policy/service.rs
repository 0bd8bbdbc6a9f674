//! `policy.v1` over gRPC.

use std::sync::Arc;

use api::grpc::{Request, Response, Status, async_trait};
use api::policy::v1::policy_server::Policy;
use api::policy::v1::{
    ApplyPolicyRequest, GetPolicyRequest, ListRevisionsRequest, ListRevisionsResponse,
    ListSecretsRequest, ListSecretsResponse, RemoveSecretRequest, RemoveSecretResponse,
    RevealSecretRequest, RevealSecretResponse, Revision, SetSecretRequest, SetSecretResponse,
    WatchPolicyRequest,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use service_kit::Caller;
use sqlx::PgPool;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;
use vault::Vault;

use super::needed_secrets::NeededSecrets;
use super::revisions::{Policies, Proposal};
use crate::asking::{administrator, process};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::secret_key;
use crate::sql::{revisions, secrets};

const MAX_COMMENT: usize = 4000;
const DEFAULT_PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 1000;
const MAX_SECRET: usize = 64 * 1024;
const MAX_SECRET_NAME: usize = 100;

const OTHER_KEY: &str = "another queue was started with another key for secrets since this one was: give both the same \
     file (secret-key-file) and start them again";

/// The service.
#[derive(Debug)]
pub(crate) struct PolicyService {
    policies: Arc<Policies>,
    needed: NeededSecrets,
    vault: Vault,
    pool: PgPool,
    clock: Clock,
    shutdown: CancellationToken,
}

impl PolicyService {
    pub(crate) fn new(
        policies: Arc<Policies>,
        vault: Vault,
        pool: PgPool,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            needed: NeededSecrets::new(Arc::clone(&policies)),
            policies,
            vault,
            pool,
            clock,
            shutdown,
        }
    }
}

#[async_trait]
impl Policy for PolicyService {
    type WatchPolicyStream = BoxStream<'static, Result<Revision, Status>>;

    async fn get_policy(
        &self,
        request: Request<GetPolicyRequest>,
    ) -> Result<Response<Revision>, Status> {
        let number = number(request.get_ref().revision)?;
        let revision = self.policies.get(number).await?;
        Ok(Response::new(to_api(revision)))
    }

    async fn apply_policy(
        &self,
        request: Request<ApplyPolicyRequest>,
    ) -> Result<Response<Revision>, Status> {
        let author = administrator(&request)?.author();
        let request = request.into_inner();
        check_text(
            "document",
            &request.document,
            rules::Policy::LONGEST_DOCUMENT,
        )?;
        check_text("comment", &request.comment, MAX_COMMENT)?;
        let proposal = Proposal {
            document: request.document,
            expected: request.expected_revision.map(number).transpose()?,
            author,
            comment: request.comment,
        };
        let revision = self.policies.apply(proposal).await?;
        Ok(Response::new(to_api(revision)))
    }

    async fn list_revisions(
        &self,
        request: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        let limit = match request.get_ref().limit {
            0 => DEFAULT_PAGE,
            limit @ 1..=LARGEST_PAGE => limit,
            limit => {
                let reason =
                    format!("limit is {limit}; at most {LARGEST_PAGE} are listed at a time");
                return Err(Error::Invalid(reason).into());
            }
        };
        let revisions = self.policies.list(i64::from(limit)).await?;
        Ok(Response::new(ListRevisionsResponse {
            revisions: revisions.into_iter().map(to_api).collect(),
        }))
    }

    /// Revisions superseded before the watcher took them are left out.
    async fn watch_policy(
        &self,
        _request: Request<WatchPolicyRequest>,
    ) -> Result<Response<Self::WatchPolicyStream>, Status> {
        let revisions = WatchStream::new(self.policies.watch())
            .map(|revision| Ok(to_api(revisions::Revision::clone(&revision))))
            .take_until(self.shutdown.clone().cancelled_owned());
        Ok(Response::new(revisions.boxed()))
    }

    async fn set_secret(
        &self,
        request: Request<SetSecretRequest>,
    ) -> Result<Response<SetSecretResponse>, Status> {
        let author = administrator(&request)?.author();
        let request = request.into_inner();
        check_secret_name(&request.name)?;
        if request.value.len() > MAX_SECRET {
            let reason = format!("a secret has at most {MAX_SECRET} octets");
            return Err(Error::Invalid(reason).into());
        }
        let sealed = self
            .vault
            .seal(&request.name, &request.value)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let mut connection = self.pool.acquire().await.map_err(Error::from)?;
        let shared = secret_key::is_shared(&self.vault, &mut connection).await;
        if !shared.map_err(Error::from)? {
            return Err(Error::Precondition(OTHER_KEY.to_owned()).into());
        }
        secrets::set(&mut connection, &request.name, &sealed, self.clock.now())
            .await
            .map_err(Error::from)?;
        tracing::info!(author, secret = request.name, "a secret was set");
        Ok(Response::new(SetSecretResponse {}))
    }

    async fn list_secrets(
        &self,
        _request: Request<ListSecretsRequest>,
    ) -> Result<Response<ListSecretsResponse>, Status> {
        let mut connection = self.pool.acquire().await.map_err(Error::from)?;
        let names = secrets::list(&mut connection).await.map_err(Error::from)?;
        Ok(Response::new(ListSecretsResponse { names }))
    }

    async fn remove_secret(
        &self,
        request: Request<RemoveSecretRequest>,
    ) -> Result<Response<RemoveSecretResponse>, Status> {
        let author = administrator(&request)?.author();
        let name = &request.get_ref().name;
        let mut connection = self.pool.acquire().await.map_err(Error::from)?;
        if secrets::remove(&mut connection, name)
            .await
            .map_err(Error::from)?
        {
            tracing::info!(author, secret = name, "a secret was removed");
            Ok(Response::new(RemoveSecretResponse {}))
        } else {
            Err(no_secret(name).into())
        }
    }

    async fn reveal_secret(
        &self,
        request: Request<RevealSecretRequest>,
    ) -> Result<Response<RevealSecretResponse>, Status> {
        let name = &request.get_ref().name;
        check_secret_name(name)?;
        let caller = Caller::of(request.extensions());
        if !self.needed.by(caller, name).await.map_err(Error::from)? {
            return Err(refused(caller, name).into());
        }
        let mut connection = self.pool.acquire().await.map_err(Error::from)?;
        let sealed = secrets::get(&mut connection, name)
            .await
            .map_err(Error::from)?
            .ok_or_else(|| no_secret(name))?;
        let value = self
            .vault
            .unseal(name, sealed)
            .map_err(|error| Error::Precondition(error.to_string()))?;
        Ok(Response::new(RevealSecretResponse {
            value: value.into(),
        }))
    }
}

fn to_api(revision: revisions::Revision) -> Revision {
    Revision {
        revision: u64::try_from(revision.revision).unwrap_or(0),
        document: revision.document,
        made_at_ms: revision.made_at,
        author: revision.author,
        comment: revision.comment,
    }
}

fn number(revision: u64) -> Result<i64> {
    i64::try_from(revision).map_err(|_| Error::not_found("there is no such revision"))
}

fn check_text(what: &str, text: &str, limit: usize) -> Result<()> {
    if text.len() > limit {
        return Err(Error::invalid(format!(
            "{what} has {} octets; at most {limit} are allowed",
            text.len()
        )));
    }
    if text.contains('\0') {
        return Err(Error::invalid(format!("{what} has a NUL")));
    }
    Ok(())
}

fn check_secret_name(name: &str) -> Result<()> {
    let is_fine = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > MAX_SECRET_NAME || !name.bytes().all(is_fine) {
        return Err(Error::invalid(format!(
            "`{}` is no name for a secret: one has 1 to {MAX_SECRET_NAME} letters, digits, `-`, `_` and `.`",
            name.escape_debug()
                .take(MAX_SECRET_NAME)
                .collect::<String>()
        )));
    }
    Ok(())
}

/// The error for a secret that the policy does not name for the caller.
fn refused(caller: Caller, name: &str) -> Error {
    let caller = process(caller);
    tracing::warn!(caller, secret = name, "a secret was not revealed");
    Error::Denied(format!(
        "the policy names no secret {name} for {caller}: delivery may ask for those of gateways, the collector \
         for those of collection accounts"
    ))
}

fn no_secret(name: &str) -> Error {
    Error::not_found(format!(
        "the secret {name} is not set; postern secret set {name} sets it"
    ))
}
