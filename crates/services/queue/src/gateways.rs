//! Gateways that fail: the results of the newest attempts over each, as reported by workers.
//!
//! ```text
//!             ┌──── an attempt works ────┐
//!             ▼                          │
//!   works ────┴─── an attempt fails ──▶ fails (since, why)
//! ```
//!
//! Workers report attempts along with completions. A row is written when the state or the cause changes,
//! otherwise at most once a minute. At full rate this costs one read of one row per batch.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use api::queue::v1::{GatewayAttempt, GatewayState};
use database::{HeldConnection, bounded};
use sqlx::PgConnection;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::policy::Policies;
use crate::quoted::quoted;
use crate::sql::gateways::{self as sql, Gateway};
use crate::sql::revisions::Revision;

/// Maximum number of attempts in one request.
const MAX_ATTEMPTS: usize = 1_000;

/// Octets of a gateway's name.
const MAX_NAME: usize = 1024;

/// Octets kept of a failure's text.
const LONGEST_FAILURE: usize = 4000;

/// Precision of the last attempt's time when nothing else changes.
const EXACT_MS: i64 = 60_000;

/// An attempt over a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    gateway: String,
    /// Milliseconds since 1970, by the queue's clock.
    at: i64,
    /// The cause, if the attempt failed.
    failure: Option<String>,
}

/// Checks the attempts that a worker reports at `now`; INVALID_ARGUMENT names the error.
pub(crate) fn check(attempts: Vec<GatewayAttempt>, now: i64) -> Result<Vec<Attempt>> {
    if attempts.len() > MAX_ATTEMPTS {
        return Err(Error::invalid(format!(
            "at most {MAX_ATTEMPTS} gateways can be reported at a time"
        )));
    }
    let attempt = |attempt: GatewayAttempt| {
        let name = &attempt.gateway;
        if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
            return Err(Error::invalid(format!(
                "the name of a gateway must have 1 to {MAX_NAME} octets and no NUL"
            )));
        }
        let age = i64::try_from(attempt.age_ms).unwrap_or(i64::MAX);
        let failed = !attempt.failure.is_empty();
        Ok(Attempt {
            gateway: attempt.gateway,
            at: now.saturating_sub(age).max(1),
            failure: failed.then(|| quoted(attempt.failure, LONGEST_FAILURE)),
        })
    };
    attempts.into_iter().map(attempt).collect()
}

/// Stores the newest of these attempts. An error here fails no completion: the next attempt is stored again.
pub(crate) async fn note(connection: &mut HeldConnection, attempts: &[Attempt]) {
    let newest = newest(attempts);
    if newest.is_empty() {
        return;
    }
    let noted = bounded(async { note_newest(connection.get().await?, &newest).await });
    if let Err(error) = noted.await {
        tracing::warn!(%error, "the results of gateways were not stored");
        connection.discard();
    }
}

/// The newest attempt over each gateway; the last one if times are equal.
fn newest(attempts: &[Attempt]) -> BTreeMap<&str, &Attempt> {
    let mut newest: BTreeMap<&str, &Attempt> = BTreeMap::new();
    for attempt in attempts {
        let known = newest.entry(&attempt.gateway).or_insert(attempt);
        if attempt.at >= known.at {
            *known = attempt;
        }
    }
    newest
}

async fn note_newest(
    connection: &mut PgConnection,
    newest: &BTreeMap<&str, &Attempt>,
) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = newest.keys().copied().collect();
    let known = sql::find(connection, &names).await?;
    for (name, attempt) in newest {
        let before = known.iter().find(|gateway| gateway.name == *name);
        let Some(after) = after(before, attempt) else {
            continue;
        };
        sql::keep(connection, &after).await?;
        log(before, &after);
    }
    Ok(())
}

/// The state of a gateway after an attempt. `None` if nothing has to be written.
fn after(before: Option<&Gateway>, attempt: &Attempt) -> Option<Gateway> {
    let at = attempt.at;
    let mut gateway = before.cloned().unwrap_or_else(|| Gateway {
        name: attempt.gateway.clone(),
        ..Gateway::default()
    });
    let fails = gateway.failing_since > 0;
    if at < gateway.last_failure_at.max(gateway.last_success_at) {
        return None;
    }
    let is_new = match &attempt.failure {
        None => {
            let last = std::mem::replace(&mut gateway.last_success_at, at);
            gateway.failing_since = 0;
            fails || at - last >= EXACT_MS
        }
        Some(failure) => {
            let last = std::mem::replace(&mut gateway.last_failure_at, at);
            let changed = gateway.last_failure != *failure;
            gateway.last_failure.clone_from(failure);
            if !fails {
                gateway.failing_since = at;
            }
            !fails || changed || at - last >= EXACT_MS
        }
    };
    is_new.then_some(gateway)
}

/// Logs when a gateway begins to fail and when it works again.
fn log(before: Option<&Gateway>, after: &Gateway) {
    let failed = before.is_some_and(|gateway| gateway.failing_since > 0);
    let fails = after.failing_since > 0;
    let gateway = &after.name;
    if fails && !failed {
        tracing::warn!(gateway, reason = after.last_failure, "a gateway fails");
    } else if failed && !fails {
        tracing::info!(gateway, "a gateway works again");
    }
}

/// The states of all known gateways.
pub(crate) async fn states(
    connection: &mut PgConnection,
) -> Result<Vec<GatewayState>, sqlx::Error> {
    let gateways = sql::list(connection).await?.into_iter();
    let states = gateways.map(|gateway| GatewayState {
        gateway: gateway.name,
        failing_since_ms: gateway.failing_since,
        last_failure: gateway.last_failure,
        last_failure_ms: gateway.last_failure_at,
        last_success_ms: gateway.last_success_at,
    });
    Ok(states.collect())
}

/// The gateways that a revision of the policy names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    revision: i64,
    names: HashSet<Arc<str>>,
}

impl Named {
    /// Updates the names from the newest revision. False if the revision cannot be read: a later version may
    /// have written it.
    fn follow(&mut self, newest: &Revision) -> bool {
        if self.revision == newest.revision {
            return true;
        }
        let Ok(policy) = rules::Policy::parse(&newest.document) else {
            return false;
        };
        let names = policy.gateways().map(|gateway| Arc::clone(&gateway.name));
        self.names = names.collect();
        self.revision = newest.revision;
        true
    }
}

/// Removes gateways that the policy no longer names. A worker with an older policy may report one of them
/// again; the next round removes it again.
pub(crate) async fn forget_removed(
    engine: &Engine,
    policies: &Policies,
    named: &mut Named,
) -> Result<(), sqlx::Error> {
    let known = {
        let mut connection = engine.pool.acquire().await?;
        sql::list(&mut connection).await?
    };
    if known.is_empty() {
        return Ok(());
    }
    // Read from the database, not from memory: a gateway that another replica has just added must stay.
    policies.refresh().await?;
    let newest = Arc::clone(&policies.watch().borrow());
    if !named.follow(&newest) {
        return Ok(());
    }
    let names = known.iter().map(|gateway| &*gateway.name);
    let removed: Vec<&str> = names.filter(|name| !named.names.contains(*name)).collect();
    if removed.is_empty() {
        return Ok(());
    }
    let mut connection = engine.pool.acquire().await?;
    sql::forget(&mut connection, &removed).await
}
