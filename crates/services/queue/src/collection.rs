//! `collection.v1`: what collecting from remote accounts must remember. The ledger is written with
//! the messages themselves (`enqueue`), so that a crash neither loses nor repeats (I10).

use api::collection::v1::collection_server::Collection;
use api::collection::v1::{
    AccountState, ClaimAccountRequest, ClaimAccountResponse, CollectedMessage,
    FindCollectedRequest, FindCollectedResponse, ForgetCollectedRequest, ForgetCollectedResponse,
    ListAccountsRequest, ListAccountsResponse, ReportPollRequest, ReportPollResponse,
};
use api::grpc::{Request, Response, Status, async_trait};
use sqlx::{PgPool, Postgres, pool::PoolConnection};

use crate::clock::Clock;
use crate::failure;
use crate::sql::{accounts, collected};

const MAX_NAME: usize = 1024;
const MAX_UIDLS: usize = 100_000;
const MAX_ERROR: usize = 4000;

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

    async fn connection(&self) -> Result<PoolConnection<Postgres>, Status> {
        self.pool.acquire().await.map_err(database_failure)
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
            .map_err(database_failure)?;
        if granted {
            return Ok(Response::new(ClaimAccountResponse {
                granted,
                retry_in_ms: 0,
            }));
        }
        let claim = accounts::newest_claim(&mut connection, account)
            .await
            .map_err(database_failure)?;
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
        };
        let mut connection = self.connection().await?;
        let reported = accounts::report(&mut connection, &report, self.clock.now())
            .await
            .map_err(database_failure)?;
        if !reported {
            return Err(Status::failed_precondition(
                "the collector holds no claim on this account",
            ));
        }
        Ok(Response::new(ReportPollResponse {}))
    }

    async fn find_collected(
        &self,
        request: Request<FindCollectedRequest>,
    ) -> Result<Response<FindCollectedResponse>, Status> {
        let request = request.into_inner();
        check_uidls(&request.account, &request.uidls)?;
        let mut connection = self.connection().await?;
        let found = collected::find(&mut connection, &request.account, &request.uidls)
            .await
            .map_err(database_failure)?;
        let messages = found.into_iter().map(|entry| CollectedMessage {
            uidl: entry.uidl,
            content_hash: entry.content_hash.into(),
            collected_at_ms: entry.collected_at,
        });
        Ok(Response::new(FindCollectedResponse {
            messages: messages.collect(),
        }))
    }

    async fn forget_collected(
        &self,
        request: Request<ForgetCollectedRequest>,
    ) -> Result<Response<ForgetCollectedResponse>, Status> {
        let request = request.into_inner();
        check_uidls(&request.account, &request.uidls)?;
        let mut connection = self.connection().await?;
        collected::forget(&mut connection, &request.account, &request.uidls)
            .await
            .map_err(database_failure)?;
        Ok(Response::new(ForgetCollectedResponse {}))
    }

    async fn list_accounts(
        &self,
        _request: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsResponse>, Status> {
        let mut connection = self.connection().await?;
        let accounts = accounts::list(&mut connection)
            .await
            .map_err(database_failure)?;
        let accounts = accounts.into_iter().map(|account| AccountState {
            account: account.account,
            last_poll_ms: account.last_poll,
            last_error: account.last_error,
            last_collected: u32::try_from(account.last_collected).unwrap_or(u32::MAX),
            total_collected: u64::try_from(account.total_collected).unwrap_or(0),
        });
        Ok(Response::new(ListAccountsResponse {
            accounts: accounts.collect(),
        }))
    }
}

fn check_uidls(account: &str, uidls: &[String]) -> Result<(), Status> {
    check_name("account", account)?;
    if uidls.len() > MAX_UIDLS {
        return Err(Status::invalid_argument(format!(
            "at most {MAX_UIDLS} UIDLs are taken at a time"
        )));
    }
    uidls.iter().try_for_each(|uidl| check_name("uidl", uidl))
}

fn check_name(what: &str, name: &str) -> Result<(), Status> {
    if name.is_empty() || name.len() > MAX_NAME || name.bytes().any(|octet| octet < b' ') {
        return Err(Status::invalid_argument(format!(
            "{what} must have 1 to {MAX_NAME} octets and no control characters"
        )));
    }
    Ok(())
}

fn database_failure(error: sqlx::Error) -> Status {
    failure::of_database(&error)
}
