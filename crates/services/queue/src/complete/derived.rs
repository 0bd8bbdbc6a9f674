//! Records outcomes and the messages derived from them in one transaction: a message is made exactly when the
//! end from which it is derived is recorded.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use api::MAX_DERIVATION_DEPTH;
use api::queue::v1::DerivedKind;
use sqlx::{Connection, PgConnection};

use super::job::Job;
use super::outcome::PreparedDerived;
use crate::engine::Engine;
use crate::enqueue::{Batch, Entry, Made};
use crate::error::{Error, Result};
use crate::lease::Key;
use crate::sql;
use crate::sql::complete::Columns;
use crate::sql::derivation::{Derivation, Parent};
use crate::submission::Body;

/// Records a batch. Returns the leases whose outcomes were recorded, or the reason why a derived message
/// cannot be made: an end is not recorded without the message that belongs to it.
pub(super) async fn record(
    engine: &Arc<Engine>,
    connection: &mut PgConnection,
    jobs: &[Job],
    columns: &Columns<'_>,
    now: i64,
) -> Result<Result<HashSet<Key>>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let parents = parents(&mut transaction, jobs).await?;
    let completed = sql::complete::complete(&mut transaction, columns, now).await?;
    if !completed.ended.is_empty() {
        sql::complete::remove_ended(&mut transaction, &completed.ended, now).await?;
    }
    let taken: HashSet<Key> = completed.taken.into_iter().collect();
    let mut entries = Vec::new();
    let mut derivations = Vec::new();
    for derived in made(jobs, &taken) {
        let made = match child(derived, &parents) {
            Ok(made) => made,
            Err(error) => return Ok(Err(error)),
        };
        let id = engine.ids.take(&engine.pool).await?;
        entries.push(Entry::made(id, derived.submission.clone(), made));
        derivations.push(Derivation {
            at: now,
            message_id: id,
            parent_id: made.parent_id,
            kind: made.kind as i16,
            recipient_ids: derived.recipient_ids.clone(),
        });
    }
    let mut batch = Batch::of(engine, entries, now);
    batch.insert(&mut transaction).await?;
    if let Some(error) = batch.take_refusal() {
        return Ok(Err(error));
    }
    if !derivations.is_empty() {
        sql::derivation::note(&mut transaction, &derivations).await?;
    }
    transaction.commit().await?;
    batch.committed().hand_out();
    Ok(Ok(taken))
}

/// The parents that are in the queue.
async fn parents(
    connection: &mut PgConnection,
    jobs: &[Job],
) -> Result<HashMap<i64, Parent>, sqlx::Error> {
    let derived = jobs.iter().flat_map(|job| &job.outcomes.derived);
    let mut parents: Vec<i64> = derived.map(PreparedDerived::parent_id).collect();
    parents.sort_unstable();
    parents.dedup();
    sql::derivation::parents(connection, &parents).await
}

/// The derived messages to make: those that belong to a recorded outcome (`taken`).
fn made<'a>(jobs: &'a [Job], taken: &HashSet<Key>) -> Vec<&'a PreparedDerived> {
    let mut made = Vec::new();
    // A request may be in the batch twice if it was sent again after its stream broke. Only the first one
    // makes the messages.
    let mut left = taken.clone();
    for job in jobs {
        let outcomes = job.outcomes.outcomes.iter();
        let ended: HashSet<i64> = outcomes
            .filter(|outcome| left.remove(&(outcome.id, outcome.epoch)))
            .map(|outcome| outcome.id)
            .collect();
        // A notice may also name a recipient whose lease has passed to another worker. Leaving the notice out
        // would withhold the news of the recipients that did end here.
        let is_made =
            |one: &&PreparedDerived| one.recipient_ids.iter().any(|id| ended.contains(id));
        made.extend(job.outcomes.derived.iter().filter(is_made));
    }
    made
}

/// The derivation of a message from its parent. Its stored body must be the parent's: otherwise the id of any body
/// would be enough to read it.
fn child(derived: &PreparedDerived, parents: &HashMap<i64, Parent>) -> Result<Made> {
    let parent_id = derived.parent_id();
    let Some(Parent { depth, body_id }) = parents.get(&parent_id).copied() else {
        return Err(Error::Invalid(format!(
            "message {parent_id} is not in the queue"
        )));
    };
    if let Body::Stored(id) = derived.submission.body
        && id != body_id
    {
        return Err(Error::Invalid(format!(
            "body {id} is not the body of message {parent_id}"
        )));
    }
    if derived.kind != DerivedKind::Notice && i64::from(depth) >= i64::from(MAX_DERIVATION_DEPTH) {
        return Err(Error::Invalid(format!(
            "message {parent_id} was derived {MAX_DERIVATION_DEPTH} times, which is the limit"
        )));
    }
    Ok(Made {
        parent_id,
        kind: derived.kind,
        depth: depth.saturating_add(1),
    })
}
