//! One worker's stream: receives hello, credits and renewals; sends recipients.

use std::sync::Arc;

use api::grpc::{Status, Streaming};
use api::queue::v1::{
    GiveBack, LeaseKey, LeaseRequest, LeaseResponse, Renewal, Worker, lease_request,
};
use tokio_util::sync::CancellationToken;

use super::workers::{Hello, Joined, Responses};
use super::{Key, release};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::sql;

/// Maximum number of leases renewed or given back by one request.
const MAX_LEASES: usize = 100_000;

/// Maximum length of a worker's name: a host name (RFC 1035) and a process id.
const MAX_NAME: usize = 300;

/// Serves a worker until its stream ends; then its recipients are due at once.
///
/// When this process drains, the leases stay: their workers are alive and will complete or renew them at the
/// next process.
pub(crate) async fn serve(
    engine: Arc<Engine>,
    mut requests: Streaming<LeaseRequest>,
    responses: Responses,
    shutdown: CancellationToken,
) {
    let hello = tokio::select! {
        () = shutdown.cancelled() => return,
        hello = requests.message() => hello,
    };
    let hello = match hello.map(|request| request.and_then(|request| request.request)) {
        Ok(Some(lease_request::Request::Hello(hello))) if is_name(&hello.name) => hello,
        Ok(Some(_)) => {
            let _ = responses.send(Err(Status::invalid_argument(
                "the first request must be a hello with a name of 1 to 300 octets",
            )));
            return;
        }
        Ok(None) | Err(_) => return,
    };
    let Some(worker) = join(&engine, &hello, &responses) else {
        tracing::warn!(
            worker = hello.name,
            "a worker is refused: its name is in use"
        );
        let refusal = "another worker of this name is running; leave out `worker`, or give each worker its own name";
        let _ = responses.send(Err(Status::already_exists(refusal)));
        return;
    };
    release(&engine, &worker.joined.lost).await;
    tracing::info!(worker = worker.name, "a worker has connected");
    let drained = converse(&engine, &worker, &mut requests, &responses, &shutdown).await;
    let held = engine.workers.leave(worker.joined.id);
    if !drained {
        tracing::info!(
            worker = worker.name,
            held = held.len(),
            "a worker has disconnected"
        );
        release(&engine, &held).await;
    }
}

/// A connected worker.
struct Served<'a> {
    name: &'a str,
    joined: Joined,
}

/// Admits the worker unless another one has its name. The first response says how long a lease lasts.
fn join<'a>(engine: &Engine, hello: &'a Worker, responses: &Responses) -> Option<Served<'a>> {
    let now = engine.clock.now();
    let who = Hello {
        name: &hello.name,
        instance: &hello.instance,
        clock: hello.clock_ms,
    };
    // Queued before any recipient can be handed over.
    let first = LeaseResponse {
        messages: Vec::new(),
        lease_seconds: u32::try_from(engine.lease_ms / 1000).unwrap_or(u32::MAX),
        now_ms: now,
    };
    let until = now + engine.lease_ms;
    let joined = engine.workers.join(who, responses.clone(), now, until)?;
    let _ = responses.send(Ok(first));
    Some(Served {
        name: &hello.name,
        joined,
    })
}

/// Handles requests until the stream ends. True if this process ended it.
async fn converse(
    engine: &Arc<Engine>,
    worker: &Served<'_>,
    requests: &mut Streaming<LeaseRequest>,
    responses: &Responses,
    shutdown: &CancellationToken,
) -> bool {
    let id = worker.joined.id;
    loop {
        let request = tokio::select! {
            biased;
            () = worker.joined.displaced.cancelled() => {
                let _ = responses.send(Err(Status::aborted("another stream of this worker has begun")));
                return false;
            }
            () = shutdown.cancelled() => return true,
            () = responses.closed() => return false,
            request = requests.message() => request,
        };
        let Ok(Some(request)) = request else {
            return false;
        };
        let until = engine.clock.now() + engine.lease_ms;
        engine.workers.heard(id, until);
        let done = match request.request {
            Some(lease_request::Request::Credits(credits)) => {
                engine.workers.grant(id, credits);
                engine.due.credits_granted();
                Ok(())
            }
            Some(lease_request::Request::Renew(renewal)) => {
                renew(engine, worker, &renewal, responses).await
            }
            Some(lease_request::Request::Drain(_)) => {
                tracing::info!(worker = worker.name, "a worker drains");
                engine.workers.drain(id);
                Ok(())
            }
            Some(lease_request::Request::GiveBack(given)) => take_back(engine, &given).await,
            Some(lease_request::Request::Hello(_)) => Err(Error::invalid("hello was said already")),
            None => Ok(()),
        };
        if let Err(error) = done {
            let _ = responses.send(Err(error.into()));
            return false;
        }
    }
}

/// Renews leases. A transient failure is ignored: the worker renews again before the leases are over.
async fn renew(
    engine: &Engine,
    worker: &Served<'_>,
    renewal: &Renewal,
    responses: &Responses,
) -> Result<()> {
    let named = keys(&renewal.leases)?;
    release(
        engine,
        &engine.workers.lost_on_the_way(worker.joined.id, &named),
    )
    .await;
    let (ids, epochs): (Vec<i64>, Vec<i32>) = named.into_iter().unzip();
    if !ids.is_empty() {
        let until = engine.clock.now() + engine.lease_ms;
        let renewed = async {
            let mut connection = engine.pool.acquire().await?;
            sql::leases::renew(&mut connection, worker.name, &ids, &epochs, until).await
        };
        match renewed.await {
            Ok(keys) => engine.workers.renewed(worker.joined.id, &keys, until),
            Err(error) if database::is_transient(&error) => {
                tracing::warn!(%error, "leases not renewed");
            }
            Err(error) => return Err(Error::Database(error)),
        }
    }
    let now_ms = engine.clock.now();
    engine
        .workers
        .heard_clock(worker.joined.id, renewal.clock_ms, now_ms);
    let answer = LeaseResponse {
        now_ms,
        ..LeaseResponse::default()
    };
    // A closed stream is noticed elsewhere.
    let _ = responses.send(Ok(answer));
    Ok(())
}

/// Releases recipients that a worker gives back untried.
async fn take_back(engine: &Engine, given: &GiveBack) -> Result<()> {
    let keys = keys(&given.leases)?;
    engine.workers.ended(&keys);
    release(engine, &keys).await;
    Ok(())
}

fn keys(leases: &[LeaseKey]) -> Result<Vec<Key>> {
    if leases.len() > MAX_LEASES {
        return Err(Error::invalid(format!(
            "at most {MAX_LEASES} leases are named at a time"
        )));
    }
    let keys = leases.iter();
    Ok(keys
        .map(|key| (key.recipient_id, key.epoch as i32))
        .collect())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.bytes().any(|octet| octet < b' ')
}
