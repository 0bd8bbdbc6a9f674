//! One transaction of deliveries: the mailboxes' locks, then everything else in one statement.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use api::mailbox::v1::DeliveryResult;
use api::mailbox::v1::delivery_result::Status;
use database::HeldConnection;
use sqlx::{Connection, PgConnection};

use super::mailbox_ids::{MailboxIds, MailboxKey};
use super::{Delivery, ledger};
use crate::notices::Notice;
use crate::store::Store;
use crate::values::{narrow, unsigned};
use crate::{Error, Result, clock};

/// Longest duration of a transaction, since a Postgres that has vanished never answers. If it did commit, the
/// ledger shows that at the next attempt.
const LONGEST: Duration = Duration::from_secs(20);

/// Delivers all or none; results are in the given order.
pub(super) async fn deliver(
    store: &Store,
    connection: &mut HeldConnection,
    mailbox_ids: &MailboxIds,
    deliveries: &[&Delivery],
) -> Result<Vec<DeliveryResult>> {
    let transacting =
        async { transact(store, connection.get().await?, mailbox_ids, deliveries).await };
    let result = match tokio::time::timeout(LONGEST, transacting).await {
        Ok(result) => result,
        Err(_) => Err(Error::Unavailable("Postgres does not answer".into())),
    };
    if result.is_err() {
        connection.discard();
    }
    result
}

async fn transact(
    store: &Store,
    connection: &mut PgConnection,
    mailbox_ids: &MailboxIds,
    deliveries: &[&Delivery],
) -> Result<Vec<DeliveryResult>> {
    // By recipient: all replicas write the ledger in this order, and a recipient that occurs twice is
    // delivered once.
    let by_recipient: BTreeMap<i64, &Delivery> = deliveries
        .iter()
        .rev()
        .map(|delivery| (delivery.recipient_id, *delivery))
        .collect();
    let mut transaction = connection.begin().await?;
    let mut targets = lock_targets(
        &mut transaction,
        mailbox_ids,
        by_recipient.values().copied(),
    )
    .await?;
    let rows = Rows::assign(by_recipient.values().copied(), &mut targets);
    let mut outcomes = match insert(&mut transaction, &rows).await {
        // The body was removed between the check and the foreign key's check; the next attempt finds it
        // missing.
        Err(error) if database::is_foreign_key_violation(&error) => {
            return Err(Error::Unavailable("a body was removed meanwhile".into()));
        }
        result => result?,
    };
    if outcomes.len() < by_recipient.len() {
        let missing = by_recipient
            .keys()
            .filter(|recipient| !outcomes.contains_key(recipient))
            .copied()
            .collect();
        outcomes.extend(explain(&mut transaction, missing, &rows).await?);
    }
    store
        .commit(transaction, &notices(&rows, &outcomes))
        .await?;
    store
        .hub()
        .publish(&delivered_before(&rows, &outcomes, &targets));
    Ok(answers(deliveries, &outcomes))
}

/// A locked mailbox and the UID and MODSEQ of its next message.
#[derive(Debug)]
struct Target {
    uid_next: i64,
    modseq: i64,
}

#[derive(Debug, Default)]
struct Targets<'a> {
    /// Mailbox ids by delivery, for existing users.
    ids: HashMap<MailboxKey<'a>, i64>,
    locked: HashMap<i64, Target>,
}

async fn lock_targets<'a>(
    connection: &mut PgConnection,
    known: &MailboxIds,
    deliveries: impl Iterator<Item = &'a Delivery>,
) -> Result<Targets<'a>> {
    let keys: HashSet<MailboxKey<'_>> = deliveries.map(Delivery::mailbox_key).collect();
    let ids = known.find(connection, keys).await?;
    let mailbox_ids: Vec<i64> = ids.values().copied().collect();
    let rows = sqlx::query!(
        "SELECT mailbox_id, name, uid_next, highest_modseq
         FROM mailbox.mailbox WHERE mailbox_id = ANY($1)
         ORDER BY mailbox_id FOR NO KEY UPDATE",
        &mailbox_ids
    )
    .fetch_all(connection)
    .await?;
    let names: HashMap<i64, &str> = rows
        .iter()
        .map(|row| (row.mailbox_id, row.name.as_str()))
        .collect();
    // A mailbox was deleted or renamed since its id was looked up: look it up again.
    let mut moved = ids
        .iter()
        .filter(|(key, id)| {
            names
                .get(id)
                .is_none_or(|name| *name != key.1.as_str() && *name != "INBOX")
        })
        .peekable();
    if moved.peek().is_some() {
        moved.for_each(|(key, _)| known.forget(*key));
        return Err(Error::Unavailable(
            "a mailbox was deleted or renamed meanwhile".into(),
        ));
    }
    let locked = rows
        .iter()
        .map(|row| {
            let target = Target {
                uid_next: row.uid_next,
                modseq: row.highest_modseq + 1,
            };
            (row.mailbox_id, target)
        })
        .collect();
    Ok(Targets { ids, locked })
}

/// The rows to insert, by column, in ascending order of recipients, for existing users.
#[derive(Debug, Default)]
struct Rows<'a> {
    recipients: Vec<i64>,
    mailboxes: Vec<i64>,
    uids: Vec<i64>,
    modseqs: Vec<i64>,
    bodies: Vec<i64>,
    dates: Vec<i64>,
    prefixes: Vec<&'a [u8]>,
}

impl<'a> Rows<'a> {
    fn assign(deliveries: impl Iterator<Item = &'a Delivery>, targets: &mut Targets<'a>) -> Self {
        let mut rows = Self::default();
        for delivery in deliveries {
            let Some(mailbox_id) = targets.ids.get(&delivery.mailbox_key()) else {
                continue;
            };
            let Some(target) = targets.locked.get_mut(mailbox_id) else {
                continue;
            };
            rows.recipients.push(delivery.recipient_id);
            rows.mailboxes.push(*mailbox_id);
            // A duplicate leaves a gap in the UIDs, which is allowed.
            rows.uids.push(target.uid_next);
            target.uid_next += 1;
            rows.modseqs.push(target.modseq);
            rows.bodies.push(delivery.body_id);
            rows.dates.push(delivery.received_at);
            rows.prefixes.push(&delivery.prefix);
        }
        rows
    }
}

/// The result for a recipient.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    status: Status,
    uid: i64,
}

/// Writes ledger, messages and counters in one statement. Only recipients that are new in the ledger and have
/// a body reach the mailbox.
async fn insert(
    connection: &mut PgConnection,
    rows: &Rows<'_>,
) -> Result<HashMap<i64, Outcome>, sqlx::Error> {
    if rows.recipients.is_empty() {
        return Ok(HashMap::new());
    }
    let fresh = sqlx::query!(
        r#"WITH input AS (
               SELECT input.*, body.size + length(input.prefix) AS size
               FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                           $6::bigint[], $7::bytea[])
                 AS input (recipient_id, mailbox_id, uid, modseq, body_id, internal_date, prefix)
               JOIN volume.body ON body.id = input.body_id
           ), fresh AS (
               INSERT INTO mailbox.delivery (recipient_id, uid, delivered_at)
               SELECT recipient_id, uid, $8 FROM input ORDER BY recipient_id
               ON CONFLICT (recipient_id) DO NOTHING
               RETURNING recipient_id
           ), message AS (
               INSERT INTO mailbox.message (mailbox_id, uid, modseq, body_id, internal_date, size,
                                            flags, prefix)
               SELECT mailbox_id, uid, modseq, body_id, internal_date, size, 0, prefix
               FROM input JOIN fresh USING (recipient_id)
           ), counters AS (
               UPDATE mailbox.mailbox
               SET uid_next = added.uid_next, highest_modseq = added.modseq,
                   messages = messages + added.count, unseen = unseen + added.count,
                   size = mailbox.size + added.size
               FROM (SELECT mailbox_id, max(uid) + 1 AS uid_next, max(modseq) AS modseq, count(*),
                            sum(size)::bigint AS size
                     FROM input JOIN fresh USING (recipient_id) GROUP BY mailbox_id) AS added
               WHERE mailbox.mailbox_id = added.mailbox_id
           )
           SELECT recipient_id AS "recipient_id!", uid AS "uid!" FROM input JOIN fresh USING (recipient_id)"#,
        &rows.recipients,
        &rows.mailboxes,
        &rows.uids,
        &rows.modseqs,
        &rows.bodies,
        &rows.dates,
        &rows.prefixes as &[&[u8]],
        clock::now(),
    )
    .fetch_all(connection)
    .await?;
    Ok(fresh
        .into_iter()
        .map(|row| {
            (
                row.recipient_id,
                Outcome {
                    status: Status::Delivered,
                    uid: row.uid,
                },
            )
        })
        .collect())
}

/// The reasons why recipients were not inserted.
async fn explain(
    connection: &mut PgConnection,
    missing: Vec<i64>,
    rows: &Rows<'_>,
) -> Result<Vec<(i64, Outcome)>> {
    let known = ledger::find(connection, &missing).await?;
    let outcomes = missing.into_iter().map(|recipient| {
        let (status, uid) = match known.get(&recipient) {
            Some(uid) => (Status::Duplicate, *uid),
            // The mailbox was found, so the body is missing.
            None if rows.recipients.binary_search(&recipient).is_ok() => (Status::NoSuchBody, 0),
            None => (Status::NoSuchUser, 0),
        };
        (recipient, Outcome { status, uid })
    });
    Ok(outcomes.collect())
}

fn notices(rows: &Rows<'_>, outcomes: &HashMap<i64, Outcome>) -> Vec<Notice> {
    let changed: BTreeMap<i64, u64> = rows
        .recipients
        .iter()
        .zip(rows.mailboxes.iter().zip(&rows.modseqs))
        .filter(|(recipient, _)| {
            outcomes
                .get(recipient)
                .is_some_and(|outcome| outcome.status == Status::Delivered)
        })
        .map(|(_, (mailbox_id, modseq))| (*mailbox_id, unsigned(*modseq)))
        .collect();
    if changed.is_empty() {
        return Vec::new();
    }
    vec![Notice::Mailboxes(changed.into_iter().collect())]
}

/// The mailboxes of duplicates, with their highest MODSEQ: if the answer to a commit was lost, no watcher was
/// notified.
fn delivered_before(
    rows: &Rows<'_>,
    outcomes: &HashMap<i64, Outcome>,
    targets: &Targets<'_>,
) -> Vec<(i64, u64)> {
    let is_duplicate = |recipient: &i64| {
        let outcome = outcomes.get(recipient);
        outcome.is_some_and(|outcome| outcome.status == Status::Duplicate)
    };
    let recipients = rows.recipients.iter().zip(&rows.mailboxes);
    let mailboxes = recipients.filter(|(recipient, _)| is_duplicate(recipient));
    mailboxes
        .filter_map(|(_, mailbox_id)| {
            let target = targets.locked.get(mailbox_id)?;
            Some((*mailbox_id, unsigned(target.modseq - 1)))
        })
        .collect()
}

fn answers(deliveries: &[&Delivery], outcomes: &HashMap<i64, Outcome>) -> Vec<DeliveryResult> {
    let mut answered = HashSet::new();
    deliveries
        .iter()
        .map(|delivery| {
            let outcome = outcomes
                .get(&delivery.recipient_id)
                .copied()
                .unwrap_or(Outcome {
                    status: Status::NoSuchUser,
                    uid: 0,
                });
            let repeated = !answered.insert(delivery.recipient_id);
            let status = match outcome.status {
                Status::Delivered if repeated => Status::Duplicate,
                status => status,
            };
            DeliveryResult {
                recipient_id: delivery.recipient_id,
                status: status.into(),
                uid: narrow(outcome.uid),
            }
        })
        .collect()
}
