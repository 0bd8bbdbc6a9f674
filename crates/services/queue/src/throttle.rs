//! `throttle.v1`: what all front ends together have seen of their peers. It decides nothing: the policy holds
//! the limits, and the front ends apply them.

use std::collections::HashMap;

use api::grpc::{Request, Response, Status, async_trait};
use api::throttle::v1::throttle_server::Throttle;
use api::throttle::v1::{CountRequest, CountResponse, Counted, GreylistRequest, GreylistResponse};
use sqlx::{PgPool, Postgres, pool::PoolConnection};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::sql::throttle::{self, Greylisting};

const KEY: usize = 16;
const MAX_COUNTED: usize = 10_000;
const MAX_COST_US: u64 = 24 * 60 * 60 * 1_000_000;
const MAX_EVENTS: u64 = 1_000_000;
/// Ten years: calculations with such values do not overflow.
const MAX_MS: u64 = 10 * 366 * 24 * 60 * 60 * 1000;

/// The service.
#[derive(Debug)]
pub(crate) struct ThrottleService {
    pool: PgPool,
    clock: Clock,
}

impl ThrottleService {
    pub(crate) fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>> {
        let acquired = database::bounded(self.pool.acquire()).await;
        acquired.map_err(Error::Database)
    }
}

#[async_trait]
impl Throttle for ThrottleService {
    async fn count(
        &self,
        request: Request<CountRequest>,
    ) -> Result<Response<CountResponse>, Status> {
        let request = request.into_inner();
        let buckets = filled(&request)?;
        let keys: Vec<&[u8]> = buckets.keys().map(|key| key.as_slice()).collect();
        let added: Vec<i64> = buckets.values().copied().collect();
        let now = self.clock.now() * 1000;
        let mut connection = self.connection().await?;
        let counting = throttle::count(&mut connection, &keys, &added, now);
        let counted = database::bounded(counting).await.map_err(Error::Database)?;
        let empty_at: HashMap<Vec<u8>, i64> = counted.into_iter().collect();
        let full_for = |bucket: &Counted| {
            let empty_at = empty_at.get(bucket.key.as_ref()).copied().unwrap_or(now);
            u64::try_from(empty_at - now).unwrap_or(0)
        };
        Ok(Response::new(CountResponse {
            full_for_us: request.counted.iter().map(full_for).collect(),
        }))
    }

    async fn greylist(
        &self,
        request: Request<GreylistRequest>,
    ) -> Result<Response<GreylistResponse>, Status> {
        let request = request.into_inner();
        check_key(&request.key)?;
        let terms = Greylisting {
            delay: milliseconds(request.delay_ms)?,
            retry_within: milliseconds(request.retry_within_ms)?,
            remember: milliseconds(request.remember_ms)?,
        };
        let now = self.clock.now();
        let mut connection = self.connection().await?;
        let visit = throttle::greylist(&mut connection, &request.key, terms, now);
        let wait = database::bounded(visit).await.map_err(Error::Database)?;
        Ok(Response::new(GreylistResponse {
            wait_ms: u64::try_from(wait).unwrap_or(0),
        }))
    }
}

/// By how many microseconds a request fills each bucket. Each bucket once, since a statement cannot change a
/// row twice.
fn filled(request: &CountRequest) -> Result<HashMap<[u8; KEY], i64>> {
    if request.counted.len() > MAX_COUNTED {
        return Err(Error::invalid(format!(
            "at most {MAX_COUNTED} buckets are counted at a time"
        )));
    }
    let mut buckets = HashMap::with_capacity(request.counted.len());
    for counted in &request.counted {
        if counted.cost_us > MAX_COST_US || counted.events > MAX_EVENTS {
            return Err(Error::invalid(
                "an event fills a bucket by a day at most, and a million are counted at a time",
            ));
        }
        let added = (counted.cost_us * counted.events).min(MAX_MS * 1000) as i64;
        let bucket: &mut i64 = buckets.entry(check_key(&counted.key)?).or_default();
        *bucket = (*bucket + added).min(MAX_MS as i64 * 1000);
    }
    Ok(buckets)
}

fn check_key(key: &[u8]) -> Result<[u8; KEY]> {
    key.try_into()
        .map_err(|_| Error::invalid(format!("a key has {KEY} octets")))
}

fn milliseconds(value: u64) -> Result<i64> {
    if value > MAX_MS {
        return Err(Error::invalid("a time is longer than ten years"));
    }
    Ok(value as i64)
}
