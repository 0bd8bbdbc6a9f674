#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use api::message::v1::Summary;
use message::SCANNER_VERSION;
use prost::Message as _;
use tokio_util::sync::CancellationToken;

use super::Progress;
use super::rescan::{START, pass};
use crate::messages::{self, Mode};
use crate::room::Room;
use crate::store::Store;
use crate::test_store::{TestStore, scan, uids};
use crate::values::flag;

const PLAIN: &[u8] = b"From: alice@example.test\r\nSubject: Re: hello\r\n\
                       References: <a@example.test>\r\n\r\none\r\ntwo";
const PARTS: &[u8] = b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                       --b\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--b--\r\n";
const EMPTY: &[u8] = b"Subject: empty\r\n\r\n";
const WITHOUT_HEADER: &[u8] = b"\r\ntext alone\r\n";

/// No pause: the tests wait for nothing.
const REST: u32 = 0;

/// A summary as stored before scanner versions existed: the lines are right, the rest differs from today's.
fn older(summary: &Summary) -> Vec<u8> {
    let older = Summary {
        lines: summary.lines,
        subject: "older".to_owned(),
        ..Summary::default()
    };
    older.encode_to_vec()
}

/// Replaces the summary of a body by one of an older version.
async fn age(kit: &TestStore, body: i64, summary: &Summary) {
    sqlx::query("UPDATE volume.body SET summary = $2, scanner_version = 0 WHERE id = $1")
        .bind(body)
        .bind(older(summary))
        .execute(kit.store.pool())
        .await
        .unwrap();
}

/// A stored body with a summary of an older version.
async fn aged(kit: &TestStore, message: &[u8]) -> i64 {
    let body = kit.body(message).await;
    age(kit, body, &scan(message).2).await;
    body
}

async fn whole_pass(store: &Store, progress: &Progress) {
    let mut after = START;
    pass(store, progress, &mut after, REST).await.unwrap();
    assert_eq!(after, START);
}

/// Puts the text of a body into a chunk, so that reading it is a query of its own.
async fn in_a_chunk(kit: &TestStore, body: i64) {
    sqlx::query(
        "WITH body AS (UPDATE volume.body b SET text = NULL FROM volume.body old
                       WHERE b.id = $1 AND old.id = b.id RETURNING old.id, old.text)
         INSERT INTO volume.chunk (body_id, n, data) SELECT id, 0, text FROM body",
    )
    .bind(body)
    .execute(kit.store.pool())
    .await
    .unwrap();
}

async fn stored(kit: &TestStore, body: i64) -> Summary {
    let stored = volume::header(kit.store.pool(), body).await.unwrap();
    Summary::decode(stored.summary).unwrap()
}

async fn outdated(kit: &TestStore) -> u64 {
    volume::summaries::count_outdated(kit.store.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_older_summary_becomes_what_the_scanner_makes_of_the_whole_message() {
    let kit = TestStore::start().await;
    let messages = [PLAIN, PARTS, EMPTY, WITHOUT_HEADER];
    let mut bodies = Vec::new();
    for message in messages {
        bodies.push(aged(&kit, message).await);
    }
    let current = kit.body(PLAIN).await;
    let progress = Progress::default();
    whole_pass(&kit.store, &progress).await;
    for (body, message) in bodies.iter().zip(messages) {
        assert_eq!(stored(&kit, *body).await, scan(message).2);
    }
    assert_eq!(stored(&kit, current).await, scan(PLAIN).2);
    assert_eq!(
        (
            progress.outdated(),
            progress.renewed(),
            progress.unreadable()
        ),
        (0, 4, 0)
    );
    assert_eq!(outdated(&kit).await, 0);
}

/// A body without its text stands for one whose text is not read.
#[tokio::test]
async fn the_text_is_read_only_where_it_makes_a_difference() {
    let kit = TestStore::start().await;
    let plain = aged(&kit, PLAIN).await;
    let parts = aged(&kit, PARTS).await;
    sqlx::query("UPDATE volume.body SET text = NULL")
        .execute(kit.store.pool())
        .await
        .unwrap();
    let progress = Progress::default();
    whole_pass(&kit.store, &progress).await;
    assert_eq!(stored(&kit, plain).await, scan(PLAIN).2);
    // An unreadable body is skipped, once, and keeps its summary.
    assert_eq!(stored(&kit, parts).await.subject, "older");
    assert_eq!(
        (
            progress.outdated(),
            progress.renewed(),
            progress.unreadable()
        ),
        (0, 1, 1)
    );
    whole_pass(&kit.store, &progress).await;
    assert_eq!(progress.unreadable(), 1);
}

/// Messages of the test under load: several batches for each replica.
const MANY: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn replicas_rescan_while_mail_is_delivered_read_and_removed() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let mut deliveries = Vec::new();
    for n in 0..MANY {
        let body = aged(&kit, if n % 2 == 0 { PLAIN } else { PARTS }).await;
        deliveries.push(kit.delivery("bob@example.test", body));
    }
    kit.deliver(deliveries).await;
    // A locked body is left for later; nobody waits for it.
    let held_body = aged(&kit, PLAIN).await;
    let mut held = kit.store.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM volume.body WHERE id = $1 FOR UPDATE")
        .bind(held_body)
        .execute(&mut *held)
        .await
        .unwrap();

    let (one, other) = (Progress::default(), Progress::default());
    let rescan = async {
        tokio::join!(whole_pass(&kit.store, &one), whole_pass(&kit.store, &other));
    };
    let ((), ()) = tokio::join!(rescan, load(&kit, bob, inbox));

    assert_eq!(outdated(&kit).await, 1);
    held.rollback().await.unwrap();
    whole_pass(&kit.store, &one).await;
    assert_eq!(outdated(&kit).await, 0);
    let removed = u64::from(REMOVED);
    let renewed = one.renewed() + other.renewed();
    let all = MANY as u64 + 1;
    assert!((all - removed..=all).contains(&renewed), "{renewed}");
    assert_eq!(one.unreadable() + other.unreadable(), 0);
    every_summary_is_current(&kit).await;
}

/// Messages that are expunged meanwhile, with their bodies swept.
const REMOVED: u32 = 20;

/// Delivers, appends, fetches, expunges and sweeps, and checks each result.
async fn load(kit: &TestStore, bob: i64, inbox: i64) {
    for n in 0..REMOVED {
        let body = kit.body(PLAIN).await;
        let delivery = kit.delivery("bob@example.test", body);
        let result = &kit.deliver(vec![delivery]).await[0];
        assert_eq!(result.uid, MANY as u32 + 2 * n + 1);
        kit.append(bob, "INBOX", PARTS).await;
        let gone = uids(&[n + 1]);
        kit.flag(inbox, &gone, Mode::Add, flag::DELETED).await;
        let expunged = messages::expunge(&kit.store, bob, inbox, &gone)
            .await
            .unwrap();
        assert_eq!(expunged.uids, [n + 1]);
        volume::garbage::sweep(kit.store.pool(), i64::MAX)
            .await
            .unwrap();
        let messages = kit.select(bob, "INBOX").await.messages;
        assert_eq!(messages.len(), MANY + 1 + n as usize);
    }
}

async fn every_summary_is_current(kit: &TestStore) {
    let rows: Vec<(Vec<u8>, i32)> =
        sqlx::query_as("SELECT summary, scanner_version FROM volume.body")
            .fetch_all(kit.store.pool())
            .await
            .unwrap();
    let expected = [scan(PLAIN).2, scan(PARTS).2];
    for (summary, version) in rows {
        let summary = Summary::decode(&*summary).unwrap();
        assert_eq!(u32::try_from(version), Ok(SCANNER_VERSION));
        assert!(expected.contains(&summary), "{summary:?}");
    }
}

/// A process that ends early leaves only whole batches behind.
#[tokio::test]
async fn a_rescan_that_was_cut_off_is_taken_up_where_it_was() {
    let kit = TestStore::start().await;
    for _ in 0..60 {
        aged(&kit, PLAIN).await;
    }
    let progress = Progress::default();
    let mut after = START;
    let cut = async {
        while progress.renewed() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = cut => {}
        result = pass(&kit.store, &progress, &mut after, 1_000_000) => result.unwrap(),
    }
    assert_eq!((progress.renewed(), outdated(&kit).await), (50, 10));
    let again = Progress::default();
    whole_pass(&kit.store, &again).await;
    assert_eq!((again.renewed(), again.outdated()), (10, 0));
}

/// Postgres ends transactions that are idle while a large body is read.
#[tokio::test]
async fn no_transaction_is_open_while_a_text_is_read() {
    let kit = TestStore::start().await;
    let body = aged(&kit, PARTS).await;
    in_a_chunk(&kit, body).await;
    let mut slow = kit.store.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE volume.chunk")
        .execute(&mut *slow)
        .await
        .unwrap();
    let slow_pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *slow)
        .await
        .unwrap();
    let progress = Progress::default();
    let read_slowly = async {
        let reading = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while kit.count(reading).await == 0 {}
        let idle: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
             AND state = 'idle in transaction' AND pid <> $1",
        )
        .bind(slow_pid)
        .fetch_one(kit.store.pool())
        .await
        .unwrap();
        assert_eq!(idle, 0);
        slow.rollback().await.unwrap();
    };
    tokio::join!(whole_pass(&kit.store, &progress), read_slowly);
    assert_eq!(stored(&kit, body).await, scan(PARTS).2);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_for_now_does_not_keep_the_others_waiting() {
    let kit = TestStore::start().await;
    let (first, broken) = (aged(&kit, PLAIN).await, aged(&kit, PARTS).await);
    let last = aged(&kit, PLAIN).await;
    in_a_chunk(&kit, broken).await;
    for statement in [
        "ALTER TABLE volume.chunk RENAME TO piece",
        "CREATE FUNCTION volume.fail() RETURNS bytea LANGUAGE plpgsql AS
         $$ BEGIN RAISE serialization_failure; END $$",
        "CREATE VIEW volume.chunk AS SELECT body_id, n, volume.fail() AS data FROM volume.piece",
    ] {
        sqlx::query(statement)
            .execute(kit.store.pool())
            .await
            .unwrap();
    }
    let progress = Progress::default();
    let mut after = START;
    let failed = pass(&kit.store, &progress, &mut after, REST).await;
    assert!(failed.unwrap_err().is_transient());
    assert_eq!((after, outdated(&kit).await), (broken, 2));
    assert_eq!(stored(&kit, first).await, scan(PLAIN).2);
    pass(&kit.store, &progress, &mut after, REST).await.unwrap();
    assert_eq!((after, outdated(&kit).await), (START, 1));
    assert_eq!(stored(&kit, last).await, scan(PLAIN).2);

    for statement in [
        "DROP VIEW volume.chunk",
        "ALTER TABLE volume.piece RENAME TO chunk",
    ] {
        sqlx::query(statement)
            .execute(kit.store.pool())
            .await
            .unwrap();
    }
    pass(&kit.store, &progress, &mut after, REST).await.unwrap();
    assert_eq!(stored(&kit, broken).await, scan(PARTS).2);
    assert_eq!(progress.unreadable(), 0);
}

#[tokio::test]
async fn nothing_is_rewritten_on_a_volume_without_room() {
    let kit = TestStore::start().await;
    aged(&kit, PLAIN).await;
    let room = Room::watch("/".into(), u64::MAX, CancellationToken::new()).await;
    let store = kit.store.clone().with_room(room);
    let progress = Progress::default();
    whole_pass(&store, &progress).await;
    assert_eq!((progress.outdated(), progress.renewed()), (1, 0));
}

#[test]
fn progress_counts_down_and_never_below_nothing() {
    let progress = Progress::default();
    progress.counted(3);
    progress.add(2, 0);
    assert_eq!((progress.outdated(), progress.renewed()), (1, 2));
    // Another replica counted; this one renewed more than the count said.
    progress.add(2, 1);
    assert_eq!((progress.outdated(), progress.renewed()), (0, 4));
    assert_eq!(progress.unreadable(), 1);
}
