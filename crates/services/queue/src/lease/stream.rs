//! One worker's stream: hello, then credits and renewals in, recipients out.

use std::sync::Arc;

use api::grpc::{Status, Streaming};
use api::queue::v1::{GiveBack, LeaseKey, LeaseRequest, LeaseResponse, Renewal, lease_request};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::workers::WorkerId;
use super::{Key, release};
use crate::engine::Engine;
use crate::{failure, sql};

/// Leases renewed, or given back, by one request.
const MAX_LEASES: usize = 100_000;

/// RFC 1035's longest name and a process id.
const MAX_NAME: usize = 300;

/// Serves a worker until its stream ends; then what it held is due at once.
///
/// When this process drains, leases are left as they are: their workers are alive, and will
/// complete or renew at the next process.
pub(crate) async fn serve(
    engine: Arc<Engine>,
    mut requests: Streaming<LeaseRequest>,
    responses: mpsc::UnboundedSender<Result<LeaseResponse, Status>>,
    shutdown: CancellationToken,
) {
    let hello = tokio::select! {
        () = shutdown.cancelled() => return,
        hello = requests.message() => hello,
    };
    let name = match hello.map(|request| request.and_then(|request| request.request)) {
        Ok(Some(lease_request::Request::Hello(worker))) if is_name(&worker.name) => worker.name,
        Ok(Some(_)) => {
            let _ = responses.send(Err(Status::invalid_argument(
                "the first request must be a hello with a name of 1 to 300 octets",
            )));
            return;
        }
        Ok(None) | Err(_) => return,
    };
    let first = LeaseResponse {
        messages: Vec::new(),
        lease_seconds: u32::try_from(engine.lease_ms / 1000).unwrap_or(u32::MAX),
    };
    if responses.send(Ok(first)).is_err() {
        return;
    }
    let (id, lost) = engine.workers.join(&name, responses.clone());
    release(&engine, &lost).await;
    tracing::info!(worker = name, "a worker has come");
    let drained = converse(&engine, id, &name, &mut requests, &responses, &shutdown).await;
    let held = engine.workers.leave(id);
    if !drained {
        tracing::info!(worker = name, held = held.len(), "a worker has gone");
        release(&engine, &held).await;
    }
}

/// Takes requests until the stream ends. True when it was us who ended it.
async fn converse(
    engine: &Arc<Engine>,
    id: WorkerId,
    name: &str,
    requests: &mut Streaming<LeaseRequest>,
    responses: &mpsc::UnboundedSender<Result<LeaseResponse, Status>>,
    shutdown: &CancellationToken,
) -> bool {
    loop {
        let request = tokio::select! {
            () = shutdown.cancelled() => return true,
            () = responses.closed() => return false,
            request = requests.message() => request,
        };
        let Ok(Some(request)) = request else {
            return false;
        };
        if !engine.workers.knows(id) {
            let _ = responses.send(Err(Status::aborted("the worker has a newer stream")));
            return false;
        }
        let done = match request.request {
            Some(lease_request::Request::Credits(credits)) => {
                engine.workers.grant(id, credits);
                engine.due.credits_granted();
                Ok(())
            }
            Some(lease_request::Request::Renew(renewal)) => renew(engine, id, name, &renewal).await,
            Some(lease_request::Request::Drain(_)) => {
                tracing::info!(worker = name, "a worker drains");
                engine.workers.drain(id);
                Ok(())
            }
            Some(lease_request::Request::GiveBack(given)) => take_back(engine, &given).await,
            Some(lease_request::Request::Hello(_)) => {
                Err(Status::invalid_argument("hello was said already"))
            }
            None => Ok(()),
        };
        if let Err(status) = done {
            let _ = responses.send(Err(status));
            return false;
        }
    }
}

/// A renewal that fails for the moment is let pass: the worker will renew again before the lease
/// is over.
async fn renew(engine: &Engine, id: WorkerId, name: &str, renewal: &Renewal) -> Result<(), Status> {
    let (ids, epochs): (Vec<i64>, Vec<i32>) = keys(&renewal.leases)?.into_iter().unzip();
    let until = engine.clock.now() + engine.lease_ms;
    let renewed = async {
        let mut connection = engine.pool.acquire().await?;
        sql::leases::renew(&mut connection, name, &ids, &epochs, until).await
    };
    match renewed.await {
        Ok(keys) => engine.workers.renewed(id, &keys, until),
        Err(error) if database::is_transient(&error) => {
            tracing::warn!(%error, "leases not renewed");
        }
        Err(error) => return Err(failure::of_database(&error)),
    }
    Ok(())
}

/// What a worker has not begun goes to others.
async fn take_back(engine: &Engine, given: &GiveBack) -> Result<(), Status> {
    let keys = keys(&given.leases)?;
    engine.workers.ended(&keys);
    release(engine, &keys).await;
    Ok(())
}

fn keys(leases: &[LeaseKey]) -> Result<Vec<Key>, Status> {
    if leases.len() > MAX_LEASES {
        return Err(Status::invalid_argument(format!(
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
