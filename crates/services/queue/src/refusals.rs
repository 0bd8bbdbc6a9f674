//! `Refusals` of `queue.v1`: refusals of the front ends, kept for some days.

use std::net::IpAddr;

use api::grpc::{Request, Response, Status, async_trait};
use api::queue::v1::refusals_server::Refusals;
use api::queue::v1::{
    ListRefusalsRequest, ListRefusalsResponse, Refusal, RefusalKey, ReportRefusalsRequest,
    ReportRefusalsResponse,
};
use database::{HeldConnection, bounded};
use rules::Network;
use service_kit::Caller;
use sqlx::PgPool;

use crate::asking::{administrator, process};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::quoted::quoted;
use crate::sql::refusals::{self as sql, Columns, RefusalQuery, Row};

/// Maximum number of refusals in one report.
const LARGEST_REPORT: usize = 2000;

const DEFAULT_PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1000;

/// Octets kept of each text.
const LONGEST_TEXT: usize = 1000;

/// Maximum age of a reported refusal: there is no partition for days before yesterday.
const OLDEST_MS: i64 = 24 * 60 * 60 * 1000;

/// The service.
#[derive(Debug)]
pub(crate) struct RefusalService {
    pool: PgPool,
    clock: Clock,
}

impl RefusalService {
    pub(crate) fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }
}

#[async_trait]
impl Refusals for RefusalService {
    async fn report_refusals(
        &self,
        request: Request<ReportRefusalsRequest>,
    ) -> Result<Response<ReportRefusalsResponse>, Status> {
        let service = process(Caller::of(request.extensions()));
        let refusals = request.into_inner().refusals;
        if refusals.len() > LARGEST_REPORT {
            let count = refusals.len();
            let reason = format!(
                "{count} refusals are reported; at most {LARGEST_REPORT} are taken at a time"
            );
            return Err(Error::Invalid(reason).into());
        }
        let columns = columns(refusals, self.clock.now())?;
        if !columns.at.is_empty() {
            let mut connection = HeldConnection::new(self.pool.clone());
            let noted =
                bounded(async { sql::insert(connection.get().await?, &columns, &service).await });
            answered(noted.await, connection)?;
        }
        Ok(Response::new(ReportRefusalsResponse {}))
    }

    async fn list_refusals(
        &self,
        request: Request<ListRefusalsRequest>,
    ) -> Result<Response<ListRefusalsResponse>, Status> {
        administrator(&request)?;
        let request = request.into_inner();
        let limit = match request.limit {
            0 => DEFAULT_PAGE,
            limit @ 1..=LARGEST_PAGE => limit,
            limit => {
                let reason =
                    format!("limit is {limit}; at most {LARGEST_PAGE} are listed at a time");
                return Err(Error::Invalid(reason).into());
            }
        };
        let address = address(&request.address)?;
        let wanted = RefusalQuery {
            after: request
                .after
                .map_or((i64::MAX, i64::MAX), |key| (key.at_ms, key.number)),
            since: request.since_ms,
            sender: &request.sender,
            recipient: &request.recipient,
            address: &address,
            verdict: &request.verdict,
            limit: limit.into(),
        };
        let mut connection = HeldConnection::new(self.pool.clone());
        let found = bounded(async { sql::list(connection.get().await?, &wanted).await });
        let rows = answered(found.await, connection)?;
        let next = match rows.last() {
            Some(last) if rows.len() == limit as usize => Some(RefusalKey {
                at_ms: last.at,
                number: last.number,
            }),
            _ => None,
        };
        Ok(Response::new(ListRefusalsResponse {
            refusals: rows.into_iter().map(refusal).collect(),
            next,
        }))
    }
}

/// Converts the result. After an error of Postgres the connection is not used again.
fn answered<T>(result: Result<T, sqlx::Error>, mut connection: HeldConnection) -> Result<T> {
    result.map_err(|error| {
        connection.discard();
        Error::Database(error)
    })
}

/// Converts an address or network to the form that Postgres reads.
fn address(text: &str) -> Result<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    text.parse::<Network>()
        .map(|network| network.to_string())
        .map_err(|reason| Error::invalid(format!("`{text}`: {reason}")))
}

fn columns(refusals: Vec<Refusal>, now: i64) -> Result<Columns> {
    let mut columns = Columns::default();
    for refusal in refusals {
        if !refusal.peer_address.is_empty() && refusal.peer_address.parse::<IpAddr>().is_err() {
            return Err(Error::invalid("a peer's address is invalid"));
        }
        let at = refusal.at_ms.clamp(now - OLDEST_MS, now);
        columns.at.push(at);
        columns.last_at.push(refusal.last_at_ms.clamp(at, now));
        columns.count.push(signed(refusal.count.max(1)));
        columns.peer.push(refusal.peer_address);
        columns.helo.push(kept(refusal.helo));
        columns.login.push(kept(refusal.login));
        columns.listener.push(kept(refusal.listener));
        columns.reverse_path.push(kept(refusal.reverse_path));
        columns.recipient.push(kept(refusal.recipient));
        columns.verdict.push(kept(refusal.verdict));
        columns.reasons.push(one_a_line(refusal.reasons));
        columns
            .policy_revision
            .push(signed(refusal.policy_revision));
        columns.session.push(kept(refusal.session));
    }
    Ok(columns)
}

fn one_a_line(reasons: Vec<String>) -> String {
    let reasons: Vec<String> = reasons.into_iter().map(kept).collect();
    let mut lines = reasons.join("\n");
    lines.truncate(lines.floor_char_boundary(LONGEST_TEXT));
    lines
}

fn kept(text: String) -> String {
    quoted(text, LONGEST_TEXT)
}

fn refusal(row: Row) -> Refusal {
    Refusal {
        at_ms: row.at,
        last_at_ms: row.last_at,
        count: unsigned(row.count),
        peer_address: row.peer,
        helo: row.helo,
        login: row.login,
        listener: row.listener,
        reverse_path: row.reverse_path,
        recipient: row.recipient,
        verdict: row.verdict,
        reasons: row.reasons.lines().map(str::to_owned).collect(),
        policy_revision: unsigned(row.policy_revision),
        session: row.session,
        service: row.service,
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
