//! The statements, checked against a simple model: random sequences of enqueue, lease, renew, release,
//! complete, quarantine and passing time. Every recipient has one end (I2). No two live leases are on the
//! same recipient (I4). The table holds what the model says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sqlx::PgPool;
use test_kit::Postgres;

use super::leases::Turn;
use super::{complete, enqueue, leases, quarantine, recipient_id};

const LEASE_MS: i64 = 1000;
const WORKERS: [&str; 3] = ["one", "two", "three"];
const REMOVED: i16 = 5;
const RETRY: i16 = 6;

#[derive(Debug, Clone)]
enum Step {
    /// Recipients; how many of them are handed over at once, to whom; and how long the others are held.
    Enqueue(usize, usize, usize, i64),
    Lease(bool, usize, i64),
    /// For each recipient: which one, whether by an old epoch, and the outcome. Then the time of the retry.
    Complete(Vec<(prop::sample::Index, bool, i16)>, i64),
    Release(Vec<(prop::sample::Index, bool)>),
    Renew(usize, Vec<(prop::sample::Index, bool)>),
    /// Recipients of a message that goes into quarantine, and for how long.
    Hold(usize, i64),
    /// Which message, and whether it is released or removed.
    Decide(prop::sample::Index, bool),
    /// Messages whose time in quarantine has ended are removed.
    Expire,
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let picks = || {
        prop::collection::vec(
            (any::<prop::sample::Index>(), prop::bool::weighted(0.2)),
            1..6,
        )
    };
    let outcomes = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            prop::bool::weighted(0.2),
            1i16..=6,
        ),
        1..8,
    );
    prop_oneof![
        3 => (1usize..5, 0usize..5, 0usize..3, prop_oneof![Just(0), 1i64..3000])
            .prop_map(|(n, handed, worker, hold)| Step::Enqueue(n, handed, worker, hold)),
        4 => (any::<bool>(), 0usize..3, 1i64..6).prop_map(|(first, w, n)| Step::Lease(first, w, n)),
        4 => (outcomes, 1i64..3000).prop_map(|(picks, later)| Step::Complete(picks, later)),
        1 => picks().prop_map(Step::Release),
        1 => (0usize..3, picks()).prop_map(|(worker, picks)| Step::Renew(worker, picks)),
        3 => (1i64..2500).prop_map(Step::Pass),
        2 => (1usize..4, 1i64..6000).prop_map(|(n, keep)| Step::Hold(n, keep)),
        3 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(m, go)| Step::Decide(m, go)),
        1 => Just(Step::Expire),
    ]
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Waiting {
    attempts: i32,
    epoch: i32,
    due_at: i64,
    leased: bool,
    worker: String,
}

#[derive(Debug, Default)]
struct Model {
    now: i64,
    next_message: i64,
    waiting: BTreeMap<i64, Waiting>,
    /// Messages in quarantine, with the end of it.
    held: BTreeMap<i64, i64>,
    /// Final outcomes and numbers of attempts, by recipient.
    ends: BTreeMap<i64, i16>,
    events: usize,
}

impl Model {
    fn all(&self) -> Vec<i64> {
        let ended = self.ends.keys();
        self.waiting.keys().chain(ended).copied().collect()
    }

    /// The key of a lease: the newest one, or one before it.
    fn key(&self, pick: prop::sample::Index, old: bool) -> Option<(i64, i32)> {
        let all = self.all();
        if all.is_empty() {
            return None;
        }
        let id = all[pick.index(all.len())];
        let epoch = self.waiting.get(&id).map_or(1, |waiting| waiting.epoch);
        Some((id, if old { epoch - 1 } else { epoch }))
    }

    fn holds(&mut self, (id, epoch): (i64, i32)) -> Option<&mut Waiting> {
        let waiting = self.waiting.get_mut(&id)?;
        (waiting.leased && waiting.epoch == epoch).then_some(waiting)
    }

    /// Waiting recipients of a message.
    fn of(&self, message_id: i64) -> Vec<i64> {
        let range = recipient_id(message_id, 0)..recipient_id(message_id + 1, 0);
        self.waiting.range(range).map(|(id, _)| *id).collect()
    }

    /// Removes a message from quarantine. Returns the number of its recipients.
    fn remove(&mut self, message_id: i64) -> Option<i64> {
        self.held.remove(&message_id)?;
        let recipients = self.of(message_id);
        for id in &recipients {
            self.waiting.remove(id);
            assert_eq!(self.ends.insert(*id, REMOVED), None, "ended twice");
            self.events += 1;
        }
        Some(recipients.len() as i64)
    }

    /// Releases a message from quarantine. Returns the number of its recipients.
    fn release(&mut self, message_id: i64) -> Option<i64> {
        self.held.remove(&message_id)?;
        let recipients = self.of(message_id);
        for id in &recipients {
            if let Some(waiting) = self.waiting.get_mut(id) {
                waiting.attempts = 0;
                waiting.due_at = self.now;
                self.events += 1;
            }
        }
        Some(recipients.len() as i64)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_i4_leases_and_ends_agree_with_a_simple_model() {
    let url = Postgres::start().database().await;
    let options = database::Options::new("model", 2);
    let pool = database::connect(&url, &options).await.unwrap();
    volume::migrate(&pool).await.unwrap();
    database::migrate(&pool, "queue", &crate::MIGRATIONS)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    super::days::maintain(&mut connection, super::days::Kept::History, 0, 1, 0)
        .await
        .unwrap();
    drop(connection);
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let config = Config {
            cases: 60,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config).run(&prop::collection::vec(step(), 1..40), |steps| {
            runtime.block_on(play(&pool, steps));
            Ok(())
        })
    };
    tokio::task::spawn_blocking(run).await.unwrap().unwrap();
}

async fn play(pool: &PgPool, steps: Vec<Step>) {
    for table in [
        "queue.message",
        "queue.recipient",
        "queue.history",
        "queue.quarantine",
        "volume.garbage",
    ] {
        let statement = sqlx::AssertSqlSafe(format!("TRUNCATE {table}"));
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    sqlx::query("DELETE FROM volume.body")
        .execute(pool)
        .await
        .unwrap();
    let mut model = Model {
        now: 1000,
        next_message: 1,
        ..Model::default()
    };
    for step in steps {
        take_step(pool, &mut model, step).await;
    }
    check(pool, &model).await;
}

async fn take_step(pool: &PgPool, model: &mut Model, step: Step) {
    match step {
        Step::Pass(milliseconds) => model.now += milliseconds,
        Step::Enqueue(recipients, handed, worker, hold) => {
            enqueue_message(pool, model, recipients, handed, WORKERS[worker], hold).await;
        }
        Step::Lease(first, worker, limit) => {
            let turn = if first { Turn::First } else { Turn::Again };
            lease(pool, model, turn, WORKERS[worker], limit).await;
        }
        Step::Hold(recipients, keep) => hold(pool, model, recipients, keep).await,
        Step::Decide(pick, go) => decide(pool, model, pick, go).await,
        Step::Expire => expire(pool, model).await,
        Step::Complete(picks, later) => record(pool, model, picks, later).await,
        Step::Release(picks) => {
            let keys: Vec<_> = picks
                .iter()
                .filter_map(|(p, old)| model.key(*p, *old))
                .collect();
            let (ids, epochs): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
            let mut connection = pool.acquire().await.unwrap();
            leases::release(&mut connection, &ids, &epochs, model.now)
                .await
                .unwrap();
            let now = model.now;
            for key in keys {
                if let Some(waiting) = model.holds(key) {
                    waiting.leased = false;
                    waiting.due_at = now;
                }
            }
        }
        Step::Renew(worker, picks) => {
            let keys: Vec<_> = picks
                .iter()
                .filter_map(|(p, old)| model.key(*p, *old))
                .collect();
            let (ids, epochs): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
            let until = model.now + LEASE_MS;
            let mut connection = pool.acquire().await.unwrap();
            let renewed = leases::renew(&mut connection, WORKERS[worker], &ids, &epochs, until);
            let mut renewed = renewed.await.unwrap();
            let mut expected = Vec::new();
            for key in keys {
                if let Some(waiting) = model.holds(key).filter(|w| w.worker == WORKERS[worker]) {
                    waiting.due_at = until;
                    expected.push(key);
                }
            }
            expected.sort_unstable();
            expected.dedup();
            renewed.sort_unstable();
            assert_eq!(renewed, expected);
        }
    }
}

/// A small message, without the rows of its recipients.
pub(crate) fn columns(id: i64, recipients: usize) -> enqueue::Columns<'static> {
    enqueue::Columns {
        body: enqueue::BodyColumns {
            id: vec![id],
            size: vec![2],
            header: vec![b"h"],
            summary: vec![b""],
            scanner_version: vec![0],
            text: vec![Some(b"t")],
        },
        id: vec![id],
        body_id: vec![id],
        prefix: vec![b"p"],
        size: vec![3],
        reverse_path: vec!["alice@example.test"],
        flags: vec![0],
        envelope_id: vec![""],
        return_content: vec![0],
        origin: vec![b""],
        policy_revision: vec![1],
        options: vec![None],
        released_at: vec![0],
        session: vec![None],
        depth: vec![0],
        recipients: vec![recipients as i32],
        recipient: enqueue::RecipientColumns::default(),
    }
}

async fn enqueue_message(
    pool: &PgPool,
    model: &mut Model,
    recipients: usize,
    handed: usize,
    worker: &str,
    hold: i64,
) {
    let id = model.next_message;
    model.next_message += 1;
    let mut columns = columns(id, recipients);
    for n in 0..recipients {
        let leased = n < handed;
        let waiting = Waiting {
            attempts: 0,
            epoch: i32::from(leased),
            due_at: model.now + if leased { LEASE_MS } else { hold },
            leased,
            worker: if leased { worker } else { "" }.to_owned(),
        };
        let rows = &mut columns.recipient;
        rows.id.push(recipient_id(id, n));
        rows.address.push("bob@example.test");
        rows.original_recipient.push("");
        rows.notify.push(0);
        rows.epoch.push(waiting.epoch);
        rows.due_at.push(waiting.due_at);
        rows.worker.push(if leased { worker } else { "" });
        model.waiting.insert(recipient_id(id, n), waiting);
    }
    let mut connection = pool.acquire().await.unwrap();
    enqueue::insert(&mut connection, &columns, model.now)
        .await
        .unwrap();
}

async fn hold(pool: &PgPool, model: &mut Model, recipients: usize, keep: i64) {
    let id = model.next_message;
    let until = model.now + keep;
    enqueue_message(pool, model, recipients, 0, WORKERS[0], 0).await;
    let columns = quarantine::Columns {
        message_id: vec![id],
        reason: vec!["because"],
        until: vec![until],
        hold_until: vec![0],
    };
    let mut connection = pool.acquire().await.unwrap();
    quarantine::hold(&mut connection, &columns, model.now)
        .await
        .unwrap();
    for recipient in model.of(id) {
        let waiting = model.waiting.get_mut(&recipient).unwrap();
        waiting.attempts = -1;
        waiting.due_at = until;
        model.events += 1;
    }
    model.held.insert(id, until);
}

async fn decide(pool: &PgPool, model: &mut Model, pick: prop::sample::Index, go: bool) {
    let id = 1 + pick.index(model.next_message as usize) as i64;
    let mut connection = pool.acquire().await.unwrap();
    let (found, expected) = if go {
        let found = quarantine::release(&mut connection, id, "by root", model.now).await;
        (found, model.release(id))
    } else {
        let found = quarantine::remove(&mut connection, id, "by root", model.now).await;
        (found, model.remove(id))
    };
    let found = found.unwrap().map(|decided| decided.recipients);
    assert_eq!(found, expected);
}

async fn expire(pool: &PgPool, model: &mut Model) {
    let mut connection = pool.acquire().await.unwrap();
    let overdue = quarantine::overdue(&mut connection, model.now, 100).await;
    let mut found: Vec<i64> = overdue.unwrap().iter().map(|one| one.message_id).collect();
    found.sort_unstable();
    let held = model.held.iter();
    let expected: Vec<i64> = held
        .filter(|(_, until)| **until <= model.now)
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(found, expected);
    for id in expected {
        let removed = quarantine::remove(&mut connection, id, "too long", model.now).await;
        let removed = removed.unwrap().map(|decided| decided.recipients);
        assert_eq!(removed, model.remove(id));
    }
}

async fn lease(pool: &PgPool, model: &mut Model, turn: Turn, worker: &str, limit: i64) {
    let until = model.now + LEASE_MS;
    let mut connection = pool.acquire().await.unwrap();
    let leased = leases::lease(&mut connection, turn, worker, limit, model.now, until)
        .await
        .unwrap();
    let is_due = |waiting: &Waiting| {
        let is_its_turn = match turn {
            Turn::First => waiting.attempts == 0,
            Turn::Again => waiting.attempts > 0,
        };
        is_its_turn && waiting.due_at <= model.now
    };
    let mut due: Vec<i64> = model
        .waiting
        .values()
        .filter(|w| is_due(w))
        .map(|w| w.due_at)
        .collect();
    due.sort_unstable();
    due.truncate(limit as usize);
    let mut taken = Vec::new();
    for row in &leased {
        let waiting = model.waiting.get_mut(&row.id).unwrap();
        assert!(
            !waiting.leased || waiting.due_at <= model.now,
            "a live lease was given again"
        );
        assert_eq!(row.epoch, waiting.epoch + 1);
        assert_eq!(
            (row.attempts, row.message_id),
            (waiting.attempts, row.id >> 14)
        );
        taken.push(waiting.due_at);
        *waiting = Waiting {
            epoch: row.epoch,
            due_at: until,
            leased: true,
            worker: worker.to_owned(),
            ..waiting.clone()
        };
    }
    taken.sort_unstable();
    assert_eq!(taken, due, "the oldest, as many as are due");
}

async fn record(
    pool: &PgPool,
    model: &mut Model,
    picks: Vec<(prop::sample::Index, bool, i16)>,
    later: i64,
) {
    let mut columns = complete::Columns::default();
    let mut expected = Vec::new();
    let mut named = Vec::new();
    let retry_at = model.now + later;
    for (pick, old, outcome) in picks {
        let Some(key) = model.key(pick, old) else {
            continue;
        };
        if named.contains(&key) {
            continue;
        }
        named.push(key);
        columns.id.push(key.0);
        columns.epoch.push(key.1);
        columns.outcome.push(outcome);
        columns.reason.push("because");
        columns.server.push("");
        columns.reply.push("");
        columns.policy_revision.push(1);
        columns.retry_at.push(retry_at);
        columns.delay_notified.push(false);
        let Some(waiting) = model.holds(key) else {
            continue;
        };
        if outcome == RETRY {
            waiting.leased = false;
            waiting.attempts += 1;
            waiting.due_at = retry_at;
        } else {
            model.waiting.remove(&key.0);
            assert_eq!(model.ends.insert(key.0, outcome), None, "ended twice");
        }
        model.events += 1;
        expected.push(key);
    }
    let mut connection = pool.acquire().await.unwrap();
    let completed = complete::complete(&mut connection, &columns, model.now)
        .await
        .unwrap();
    complete::remove_ended(&mut connection, &completed.ended, model.now)
        .await
        .unwrap();
    let mut taken = completed.taken;
    taken.sort_unstable();
    expected.sort_unstable();
    assert_eq!(taken, expected);
}

async fn check(pool: &PgPool, model: &Model) {
    type Row = (i64, i32, i32, i64, bool, String);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, attempts, epoch, due_at, leased, worker FROM queue.recipient ORDER BY id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let waiting: BTreeMap<i64, Waiting> = rows
        .into_iter()
        .map(|(id, attempts, epoch, due_at, leased, worker)| {
            let waiting = Waiting {
                attempts,
                epoch,
                due_at,
                leased,
                worker,
            };
            (id, waiting)
        })
        .collect();
    let mut expected = model.waiting.clone();
    for (id, waiting) in &waiting {
        // The last holder does not matter.
        if let Some(expected) = expected.get_mut(id).filter(|expected| !expected.leased) {
            expected.worker.clone_from(&waiting.worker);
        }
    }
    assert_eq!(waiting, expected);

    let ends: Vec<(i64, i16)> = sqlx::query_as(
        "SELECT recipient_id, outcome FROM queue.history WHERE outcome <= 5 ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(ends, model.ends.clone().into_iter().collect::<Vec<_>>());
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM queue.history")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(events, model.events as i64);

    let messages: Vec<i64> = sqlx::query_scalar("SELECT id FROM queue.message ORDER BY 1")
        .fetch_all(pool)
        .await
        .unwrap();
    let mut with_waiting: Vec<i64> = model.waiting.keys().map(|id| id >> 14).collect();
    with_waiting.dedup();
    assert_eq!(
        messages, with_waiting,
        "a message stays as long as a recipient waits"
    );
    check_garbage(pool, model, &with_waiting).await;
}

/// A body is garbage once its message has left and no recipient was delivered to a mailbox of this system.
async fn check_garbage(pool: &PgPool, model: &Model, staying: &[i64]) {
    let garbage: Vec<i64> = sqlx::query_scalar("SELECT body_id FROM volume.garbage ORDER BY 1")
        .fetch_all(pool)
        .await
        .unwrap();
    let delivered = |id: i64| {
        model
            .ends
            .iter()
            .any(|(r, outcome)| r >> 14 == id && *outcome == 1)
    };
    let expected: Vec<i64> = (1..model.next_message)
        .filter(|id| !staying.contains(id) && !delivered(*id))
        .collect();
    assert_eq!(garbage, expected);
}
