//! `collection.v1`: what the collection from remote accounts must remember. The ledger is written together
//! with the messages themselves (`enqueue`), so that a crash neither loses nor repeats a message (I10).

mod uncollected;

use api::collection::v1::collection_server::Collection;
use api::collection::v1::{
    BeginPollRequest, BeginPollResponse, ClaimAccountRequest, ClaimAccountResponse,
    CollectedMessage, FindByHeaderRequest, FindByHeaderResponse, FindCollectedRequest,
    FindCollectedResponse, ForgetCollectedRequest, ForgetCollectedResponse, ListAccountsRequest,
    ListAccountsResponse, NoteMessageRequest, NoteMessageResponse, NotedMessage,
    RenameCollectedRequest, RenameCollectedResponse, ReportPollRequest, ReportPollResponse,
};
use api::grpc::{Request, Response, Status, async_trait};
use sqlx::{Acquire as _, PgPool, Postgres, pool::PoolConnection};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::sql::{self, accounts, collected};

const MAX_NAME: usize = 1024;
const MAX_UIDLS: usize = 100_000;
const MAX_ERROR: usize = 4000;
/// Octets of a BLAKE3 hash. A content hash consists of two.
const HASH: usize = 32;
/// Maximum number of entries with the same header section in an answer.
const SAME_HEADER: i64 = 100;

/// The service.
#[derive(Debug)]
pub(crate) struct CollectionService {
    pool: PgPool,
    clock: Clock,
}

impl CollectionService {
    pub(crate) fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>> {
        self.pool.acquire().await.map_err(Error::from)
    }
}

#[async_trait]
impl Collection for CollectionService {
    async fn claim_account(
        &self,
        request: Request<ClaimAccountRequest>,
    ) -> Result<Response<ClaimAccountResponse>, Status> {
        let request = request.into_inner();
        check_name("account", &request.account)?;
        check_name("collector", &request.collector)?;
        let now = self.clock.now();
        let until = now + i64::from(request.claim_seconds.max(1)) * 1000;
        let interval = i64::from(request.interval_seconds) * 1000;
        let mut connection = self.connection().await?;
        let (account, collector) = (&request.account, &request.collector);
        let granted = accounts::claim(&mut connection, account, collector, now, until, interval)
            .await
            .map_err(Error::from)?;
        if granted {
            return Ok(Response::new(ClaimAccountResponse {
                granted,
                retry_in_ms: 0,
            }));
        }
        let claim = accounts::newest_claim(&mut connection, account)
            .await
            .map_err(Error::from)?;
        let free_at = claim.map_or(now, |claim| {
            let due = claim.claimed_at + interval;
            if claim.collector == *collector {
                due
            } else {
                due.max(claim.claimed_until)
            }
        });
        Ok(Response::new(ClaimAccountResponse {
            granted,
            retry_in_ms: (free_at - now).max(1),
        }))
    }

    async fn begin_poll(
        &self,
        request: Request<BeginPollRequest>,
    ) -> Result<Response<BeginPollResponse>, Status> {
        let account = &request.get_ref().account;
        check_name("account", account)?;
        let mut connection = self.connection().await?;
        let uncollected = sql::uncollected::list(&mut connection, Some(account))
            .await
            .map_err(Error::from)?;
        let interrupted = accounts::reading(&mut connection, account)
            .await
            .map_err(Error::from)?;
        let entries = collected::count(&mut connection, account)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(BeginPollResponse {
            uncollected: uncollected.into_iter().map(uncollected::to_api).collect(),
            interrupted: interrupted.map(|(remote_id, size)| NotedMessage {
                remote_id,
                size: unsigned(size),
            }),
            ledger_entries: unsigned(entries),
            now_ms: self.clock.now(),
        }))
    }

    async fn note_message(
        &self,
        request: Request<NoteMessageRequest>,
    ) -> Result<Response<NoteMessageResponse>, Status> {
        let request = request.into_inner();
        let message = request.message.unwrap_or_default();
        check_name("account", &request.account)?;
        check_name("collector", &request.collector)?;
        check_name("remote_id", &message.remote_id)?;
        let (account, collector) = (&request.account, &request.collector);
        let mut connection = self.connection().await?;
        let size = signed(message.size);
        let noted = accounts::note_reading(
            &mut connection,
            account,
            collector,
            &message.remote_id,
            size,
        )
        .await
        .map_err(Error::from)?;
        if !noted {
            return Err(no_claim().into());
        }
        Ok(Response::new(NoteMessageResponse {}))
    }

    async fn report_poll(
        &self,
        request: Request<ReportPollRequest>,
    ) -> Result<Response<ReportPollResponse>, Status> {
        let request = request.into_inner();
        check_name("account", &request.account)?;
        check_name("collector", &request.collector)?;
        let error = request.error.replace('\0', "\u{fffd}");
        let report = accounts::Report {
            account: &request.account,
            collector: &request.collector,
            error: &error[..error.floor_char_boundary(MAX_ERROR)],
            collected: i64::from(request.collected),
            left: i64::from(request.left),
            failed: request.failed,
        };
        let messages = match request.uncollected {
            Some(all) => Some(uncollected::check(&request.account, all.messages)?),
            None => None,
        };
        let mut connection = self.connection().await?;
        let mut transaction = connection.begin().await.map_err(Error::from)?;
        let reported = accounts::report(&mut transaction, &report, self.clock.now())
            .await
            .map_err(Error::from)?;
        if !reported {
            return Err(no_claim().into());
        }
        if let Some(messages) = messages {
            sql::uncollected::replace(&mut transaction, &request.account, &messages)
                .await
                .map_err(Error::from)?;
        }
        transaction.commit().await.map_err(Error::from)?;
        Ok(Response::new(ReportPollResponse {}))
    }

    async fn find_collected(
        &self,
        request: Request<FindCollectedRequest>,
    ) -> Result<Response<FindCollectedResponse>, Status> {
        let request = request.into_inner();
        check_uidls(&request.account, &request.remote_ids)?;
        let mut connection = self.connection().await?;
        let found = collected::find(&mut connection, &request.account, &request.remote_ids)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(FindCollectedResponse {
            messages: found.into_iter().map(entry_to_api).collect(),
        }))
    }

    async fn find_by_header(
        &self,
        request: Request<FindByHeaderRequest>,
    ) -> Result<Response<FindByHeaderResponse>, Status> {
        let FindByHeaderRequest {
            account,
            header_hash,
        } = request.get_ref();
        check_name("account", account)?;
        check_hash("header_hash", header_hash, HASH)?;
        let mut connection = self.connection().await?;
        let found = collected::find_by_header(&mut connection, account, header_hash, SAME_HEADER)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(FindByHeaderResponse {
            messages: found.into_iter().map(entry_to_api).collect(),
        }))
    }

    async fn rename_collected(
        &self,
        request: Request<RenameCollectedRequest>,
    ) -> Result<Response<RenameCollectedResponse>, Status> {
        let request = request.get_ref();
        check_name("account", &request.account)?;
        check_name("remote_id", &request.remote_id)?;
        check_name("new_remote_id", &request.new_remote_id)?;
        check_hash("content_hash", &request.content_hash, 2 * HASH)?;
        let identity = collected::Identity {
            account: &request.account,
            remote_id: &request.remote_id,
            content_hash: &request.content_hash,
        };
        let mut connection = self.connection().await?;
        collected::rename(&mut connection, identity, &request.new_remote_id)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(RenameCollectedResponse {}))
    }

    async fn forget_collected(
        &self,
        request: Request<ForgetCollectedRequest>,
    ) -> Result<Response<ForgetCollectedResponse>, Status> {
        let request = request.into_inner();
        check_uidls(&request.account, &request.remote_ids)?;
        let mut connection = self.connection().await?;
        collected::forget(&mut connection, &request.account, &request.remote_ids)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(ForgetCollectedResponse {}))
    }

    async fn list_accounts(
        &self,
        _request: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsResponse>, Status> {
        let mut connection = self.connection().await?;
        let accounts = accounts::list(&mut connection).await.map_err(Error::from)?;
        let messages = sql::uncollected::list(&mut connection, None)
            .await
            .map_err(Error::from)?;
        Ok(Response::new(ListAccountsResponse {
            accounts: uncollected::states(accounts, messages),
        }))
    }
}

fn entry_to_api(entry: collected::Entry) -> CollectedMessage {
    CollectedMessage {
        remote_id: entry.remote_id,
        content_hash: entry.content_hash.into(),
        collected_at_ms: entry.collected_at,
    }
}

fn no_claim() -> Error {
    Error::Precondition("the collector holds no claim on this account".to_owned())
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn check_hash(what: &str, hash: &[u8], octets: usize) -> Result<()> {
    if hash.len() == octets {
        return Ok(());
    }
    Err(Error::invalid(format!("{what} must have {octets} octets")))
}

fn check_uidls(account: &str, remote_ids: &[String]) -> Result<()> {
    check_name("account", account)?;
    if remote_ids.len() > MAX_UIDLS {
        return Err(Error::invalid(format!(
            "at most {MAX_UIDLS} UIDLs are taken at a time"
        )));
    }
    remote_ids
        .iter()
        .try_for_each(|remote_id| check_name("remote_id", remote_id))
}

fn check_name(what: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME || name.bytes().any(|octet| octet < b' ') {
        return Err(Error::invalid(format!(
            "{what} must have 1 to {MAX_NAME} octets and no control characters"
        )));
    }
    Ok(())
}
