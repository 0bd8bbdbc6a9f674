//! Derived messages: their parents and depths.

use std::collections::HashMap;

use sqlx::PgConnection;

/// The derivation of one message from another.
#[derive(Debug)]
pub(crate) struct Derivation {
    pub(crate) at: i64,
    pub(crate) message_id: i64,
    pub(crate) parent_id: i64,
    /// A `postern.queue.v1.DerivedKind`.
    pub(crate) kind: i16,
    pub(crate) recipient_ids: Vec<i64>,
}

/// A message from which others are derived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parent {
    /// Number of derivations before it.
    pub(crate) depth: i16,
    pub(crate) body_id: i64,
}

/// Those of the messages that are in the queue.
pub(crate) async fn parents(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, Parent>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, depth, body_id FROM queue.message WHERE id = ANY($1)",
        ids
    )
    .fetch_all(connection)
    .await?;
    let parents = rows.into_iter().map(|row| {
        let parent = Parent {
            depth: row.depth,
            body_id: row.body_id,
        };
        (row.id, parent)
    });
    Ok(parents.collect())
}

/// Stores the derivations of messages that the same transaction inserts.
pub(crate) async fn note(
    connection: &mut PgConnection,
    derivations: &[Derivation],
) -> Result<(), sqlx::Error> {
    let (mut at, mut messages, mut parents, mut kinds) = (vec![], vec![], vec![], vec![]);
    // Postgres's arrays of arrays are rectangular. So all recipients are in one array, with the first and last
    // place of each message's.
    let (mut recipients, mut first, mut last) = (Vec::<i64>::new(), vec![], vec![]);
    for one in derivations {
        at.push(one.at);
        messages.push(one.message_id);
        parents.push(one.parent_id);
        kinds.push(one.kind);
        first.push(place(recipients.len()) + 1);
        recipients.extend(&one.recipient_ids);
        last.push(place(recipients.len()));
    }
    sqlx::query!(
        "INSERT INTO queue.derivation (at, message_id, parent_id, kind, recipient_ids)
         SELECT d.at, d.message_id, d.parent_id, d.kind, ($5::bigint[])[d.first:d.last]
         FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $6::integer[], $7::integer[])
             AS d (at, message_id, parent_id, kind, first, last)",
        &at,
        &messages,
        &parents,
        &kinds,
        &recipients,
        &first,
        &last
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn place(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// The parent of a message, and its derived messages, at most `limit`, in order.
pub(crate) async fn of_message(
    connection: &mut PgConnection,
    message_id: i64,
    limit: i64,
) -> Result<Vec<Derivation>, sqlx::Error> {
    sqlx::query_as!(
        Derivation,
        "SELECT at, message_id, parent_id, kind, recipient_ids FROM queue.derivation
         WHERE message_id = $1 OR parent_id = $1 ORDER BY at, message_id LIMIT $2",
        message_id,
        limit
    )
    .fetch_all(connection)
    .await
}
