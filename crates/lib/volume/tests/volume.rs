//! The volume on a real Postgres.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(missing_docs, reason = "no interface")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::{TryStreamExt, stream};
use sqlx::PgPool;
use tokio::time::timeout;
use volume::garbage::Swept;
use volume::summaries::{self, SCANNER_VERSION, Summary};
use volume::{CHUNK_SIZE, Error, Ids, NewBody, StoredText, Text};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn pool() -> PgPool {
    let url = test_kit::Postgres::start().database().await;
    let options = database::Options::new("test", 4);
    let pool = database::connect(&url, &options).await.unwrap();
    volume::migrate(&pool).await.unwrap();
    pool
}

fn body(id: i64, text: &'static [u8]) -> NewBody {
    NewBody {
        id,
        header: Bytes::from_static(b"Subject: x\r\n\r\n"),
        text: Text::Inline(Bytes::from_static(text)),
        summary: Summary::new(SCANNER_VERSION, Bytes::from_static(b"summary")),
        created_at: 1,
    }
}

async fn insert(pool: &PgPool, bodies: &[NewBody]) {
    let mut connection = pool.acquire().await.unwrap();
    volume::insert(&mut connection, bodies).await.unwrap();
}

async fn read(pool: &PgPool, id: i64, range: std::ops::Range<u64>) -> Result<Vec<u8>, Error> {
    let pieces: Vec<Bytes> = volume::read(pool.clone(), id, range).try_collect().await?;
    assert!(
        pieces
            .iter()
            .all(|piece| !piece.is_empty() && piece.len() <= CHUNK_SIZE)
    );
    Ok(pieces.concat())
}

async fn store(pool: &PgPool, text: &[u8], limit: u64) -> Result<StoredText, Error> {
    let pieces = text
        .chunks(70_001)
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)));
    volume::store_text(
        pool,
        &Ids::new(),
        stream::iter(pieces.collect::<Vec<_>>()),
        limit,
        1,
    )
    .await
}

async fn claim(pool: &PgPool, text: StoredText) -> Result<(), Error> {
    let mut transaction = pool.begin().await.unwrap();
    volume::claim(&mut transaction, text).await?;
    let mut uploaded = body(text.id, b"");
    uploaded.text = Text::Uploaded(text.size);
    volume::insert(&mut transaction, &[uploaded]).await.unwrap();
    transaction.commit().await.unwrap();
    Ok(())
}

async fn chunks(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM volume.chunk")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn migrating_again_changes_nothing_and_any_number_may_start_at_once() {
    let pool = pool().await;
    let (one, two) = tokio::join!(volume::migrate(&pool), volume::migrate(&pool));
    one.unwrap();
    two.unwrap();
}

#[tokio::test]
async fn ids_of_two_processes_are_distinct() {
    let pool = pool().await;
    let (one, two) = (Ids::new(), Ids::new());
    let mut ids = one.take_many(&pool, 1500).await.unwrap();
    ids.extend(two.take_many(&pool, 1500).await.unwrap());
    ids.push(one.take(&pool).await.unwrap());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3001);
    assert!(ids[0] > 0);
}

#[tokio::test]
async fn any_part_of_a_body_is_read() {
    let pool = pool().await;
    insert(&pool, &[body(1, b"0123456789"), body(2, b"")]).await;
    let whole = b"Subject: x\r\n\r\n0123456789";
    for (start, end) in [
        (0, 99),
        (0, 24),
        (3, 5),
        (10, 20),
        (14, 24),
        (20, 20),
        (23, 24),
        (50, 60),
    ] {
        let expected = &whole[start.min(24)..end.min(24)];
        let found = read(&pool, 1, start as u64..end as u64).await.unwrap();
        assert_eq!(found, expected, "{start}..{end}");
    }
    assert_eq!(
        read(&pool, 2, 0..u64::MAX).await.unwrap(),
        b"Subject: x\r\n\r\n"
    );
    assert!(matches!(read(&pool, 3, 0..9).await, Err(Error::Missing(3))));
}

#[tokio::test]
async fn i13_header_and_summary_are_read_without_the_text() {
    let pool = pool().await;
    insert(&pool, &[body(1, b"text"), body(2, b"longer text")]).await;
    let found = volume::headers(&pool, &[2, 9, 1]).await.unwrap();
    let sizes: Vec<_> = found
        .iter()
        .map(|header| (header.id, header.size))
        .collect();
    assert_eq!(sizes, [(1, 18), (2, 25)]);
    let one = volume::header(&pool, 1).await.unwrap();
    assert_eq!(
        (&one.header[..], &one.summary[..]),
        (&b"Subject: x\r\n\r\n"[..], &b"summary"[..])
    );
    assert!(matches!(
        volume::header(&pool, 9).await,
        Err(Error::Missing(9))
    ));
}

#[tokio::test]
async fn a_large_text_is_stored_in_chunks_claimed_once_and_read_anywhere() {
    let pool = pool().await;
    let text: Vec<u8> = (0..CHUNK_SIZE * 2 + 1000)
        .map(|n| (n % 253) as u8)
        .collect();
    let stored = store(&pool, &text, u64::MAX).await.unwrap();
    assert_eq!(stored.size, text.len() as u64);
    let wrong = StoredText { size: 5, ..stored };
    let refused = claim(&pool, wrong).await;
    assert!(
        matches!(refused, Err(Error::SizeMismatch { stored, declared: 5, .. }) if stored == text.len() as u64)
    );
    claim(&pool, stored).await.unwrap();
    assert!(matches!(claim(&pool, stored).await, Err(Error::NoUpload)));

    let whole = [b"Subject: x\r\n\r\n", &text[..]].concat();
    let n = whole.len();
    let edge = 14 + CHUNK_SIZE;
    for (start, end) in [
        (0, n),
        (5, 20),
        (14, n),
        (edge - 1, edge + 1),
        (edge, n),
        (n - 1, n),
        (100, n - 100),
    ] {
        let found = read(&pool, stored.id, start as u64..end as u64)
            .await
            .unwrap();
        assert!(found == whole[start..end], "{start}..{end}");
    }
}

#[tokio::test]
async fn an_upload_is_claimed_by_its_name_alone() {
    let pool = pool().await;
    let text = vec![b'x'; CHUNK_SIZE + 1];
    let (first, second) = (
        store(&pool, &text, u64::MAX).await.unwrap(),
        store(&pool, &text, u64::MAX).await.unwrap(),
    );
    assert_ne!(first.token, second.token);
    let named = |name: &[u8]| StoredText::named(name, first.size);
    assert_eq!(named(&first.name()).unwrap(), first);
    // What who knows only the number, or another upload, may try.
    let mut guesses = vec![
        StoredText {
            token: [0; 16],
            ..first
        },
        StoredText {
            token: second.token,
            ..first
        },
    ];
    for octet in 0..first.token.len() {
        let mut guess = first;
        guess.token[octet] ^= 1;
        guesses.push(guess);
    }
    for guess in guesses {
        let refused = claim(&pool, guess).await;
        assert!(matches!(refused, Err(Error::NoUpload)), "{refused:?}");
    }
    for name in [&b""[..], b"1", &first.id.to_be_bytes(), &[0; 25]] {
        assert!(matches!(named(name), Err(Error::NoUpload)), "{name:?}");
    }
    claim(&pool, first).await.unwrap();
}

#[tokio::test]
async fn i7_an_upload_beyond_the_limit_is_refused_and_swept() {
    let pool = pool().await;
    let text = vec![b'x'; CHUNK_SIZE + 10];
    let refused = store(&pool, &text, CHUNK_SIZE as u64).await;
    assert!(matches!(refused, Err(Error::TooLarge(_))), "{refused:?}");
    // At once: who sends too much again and again is not to fill the disk.
    let swept = volume::garbage::sweep(&pool, 1).await.unwrap();
    assert_eq!(swept.removed, 1);
    assert_eq!(chunks(&pool).await, 0);
}

#[tokio::test]
async fn i7_an_upload_whose_caller_goes_away_is_swept() {
    let pool = pool().await;
    let (pieces, arriving) = futures::channel::mpsc::unbounded();
    pieces
        .unbounded_send(Ok(Bytes::from(vec![b'x'; CHUNK_SIZE])))
        .unwrap();
    let storing = tokio::spawn({
        let pool = pool.clone();
        async move { volume::store_text(&pool, &Ids::new(), arriving, u64::MAX, 1).await }
    });
    let patience = Duration::from_secs(30);
    let arrived = async { while chunks(&pool).await == 0 {} };
    timeout(patience, arrived).await.unwrap();
    storing.abort();
    assert!(storing.await.unwrap_err().is_cancelled());
    // As a call does that is broken off.
    pieces.unbounded_send(Err("reset")).unwrap();
    let swept = async { while volume::garbage::sweep(&pool, 1).await.unwrap().removed == 0 {} };
    timeout(patience, swept).await.unwrap();
    assert_eq!(chunks(&pool).await, 0);
}

#[tokio::test]
async fn an_upload_that_was_swept_before_its_end_fails() {
    let pool = pool().await;
    let (pieces, arriving) = futures::channel::mpsc::unbounded();
    let piece = || Ok::<_, Infallible>(Bytes::from(vec![b'x'; CHUNK_SIZE]));
    pieces.unbounded_send(piece()).unwrap();
    let storing = tokio::spawn({
        let pool = pool.clone();
        async move { volume::store_text(&pool, &Ids::new(), arriving, u64::MAX, 1).await }
    });
    let patience = Duration::from_secs(30);
    let arrived = async { while chunks(&pool).await == 0 {} };
    timeout(patience, arrived).await.unwrap();
    let swept = volume::garbage::sweep(&pool, 2 * DAY_MS).await.unwrap();
    assert_eq!(swept.removed, 1);
    pieces.unbounded_send(piece()).unwrap();
    drop(pieces);
    let stored = storing.await.unwrap();
    assert!(matches!(stored, Err(Error::BrokenOff(_))), "{stored:?}");
    // What came behind the sweep goes with the next.
    volume::garbage::sweep(&pool, 1).await.unwrap();
    assert_eq!(chunks(&pool).await, 0);
}

#[tokio::test]
async fn an_upload_that_nobody_claims_lapses_after_ten_minutes() {
    let pool = pool().await;
    let lapsed = store(&pool, &vec![b'x'; CHUNK_SIZE * 2], u64::MAX)
        .await
        .unwrap();
    let claimed = store(&pool, &vec![b'y'; CHUNK_SIZE * 2], u64::MAX)
        .await
        .unwrap();
    claim(&pool, claimed).await.unwrap();
    let minute = 60_000;
    volume::garbage::sweep(&pool, 9 * minute).await.unwrap();
    assert_eq!(chunks(&pool).await, 4);
    volume::garbage::sweep(&pool, 11 * minute).await.unwrap();
    assert_eq!(chunks(&pool).await, 2);
    assert!(matches!(claim(&pool, lapsed).await, Err(Error::NoUpload)));
    assert_eq!(
        read(&pool, claimed.id, 0..20).await.unwrap(),
        b"Subject: x\r\n\r\nyyyyyy"
    );
}

async fn sweep(pool: &PgPool, now: i64) -> Swept {
    let swept = volume::garbage::sweep(pool, now);
    timeout(Duration::from_secs(30), swept)
        .await
        .unwrap()
        .unwrap()
}

async fn execute(pool: &PgPool, statement: &'static str) {
    sqlx::query(statement).execute(pool).await.unwrap();
}

async fn bodies(pool: &PgPool) -> Vec<i64> {
    sqlx::query_scalar("SELECT id FROM volume.body ORDER BY 1")
        .fetch_all(pool)
        .await
        .unwrap()
}

const REFERENCES: &str = "CREATE TABLE reference (body_id bigint REFERENCES volume.body)";

#[tokio::test]
async fn a_body_goes_when_nothing_refers_to_it() {
    let pool = pool().await;
    let all: Vec<NewBody> = (1..=20).map(|id| body(id, b"text")).collect();
    insert(&pool, &all).await;
    execute(&pool, REFERENCES).await;
    execute(&pool, "INSERT INTO reference VALUES (3), (11), (12)").await;
    let ids: Vec<i64> = (1..=18).collect();
    volume::garbage::add(&pool, &ids, 100).await.unwrap();
    // Named again, later: the earlier time holds.
    volume::garbage::add(&pool, &[1, 2, 2], 500).await.unwrap();
    assert!(sweep(&pool, 99).await.is_nothing());
    let expected = Swept {
        removed: 15,
        referenced: 3,
        postponed: 0,
    };
    assert_eq!(sweep(&pool, 100).await, expected);
    assert_eq!(bodies(&pool).await, [3, 11, 12, 19, 20]);

    // Referenced bodies are looked at once, and again when a reference is dropped.
    assert!(sweep(&pool, i64::MAX).await.is_nothing());
    let mut dropping = pool.begin().await.unwrap();
    volume::garbage::add(&mut *dropping, &[3], 100)
        .await
        .unwrap();
    sqlx::query("DELETE FROM reference WHERE body_id = 3")
        .execute(&mut *dropping)
        .await
        .unwrap();
    dropping.commit().await.unwrap();
    let expected = Swept {
        removed: 1,
        ..Swept::default()
    };
    assert_eq!(sweep(&pool, 100).await, expected);
    assert_eq!(bodies(&pool).await, [11, 12, 19, 20]);
}

/// Like the queue's trigger.
#[tokio::test]
async fn a_body_in_use_is_tried_again_a_day_later() {
    let pool = pool().await;
    insert(&pool, &[body(1, b"text"), body(2, b"text")]).await;
    for statement in [
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE object_in_use; END $$",
        "CREATE TRIGGER keep BEFORE DELETE ON volume.body
         FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION keep()",
    ] {
        execute(&pool, statement).await;
    }
    volume::garbage::add(&pool, &[1, 2], 100).await.unwrap();
    let expected = Swept {
        removed: 1,
        referenced: 0,
        postponed: 1,
    };
    assert_eq!(sweep(&pool, 100).await, expected);
    execute(&pool, "DROP TRIGGER keep ON volume.body").await;
    assert!(sweep(&pool, 99 + DAY_MS).await.is_nothing());
    assert_eq!(sweep(&pool, 100 + DAY_MS).await.removed, 1);
}

#[tokio::test]
async fn a_sweep_waits_for_nobody_who_is_just_referring_to_a_body() {
    let pool = pool().await;
    insert(&pool, &[body(1, b"text"), body(2, b"text")]).await;
    execute(&pool, REFERENCES).await;
    volume::garbage::add(&pool, &[1, 2], 1).await.unwrap();
    let mut copying = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO reference VALUES (2)")
        .execute(&mut *copying)
        .await
        .unwrap();
    let expected = Swept {
        removed: 1,
        referenced: 0,
        postponed: 1,
    };
    assert_eq!(sweep(&pool, 1).await, expected);
    copying.commit().await.unwrap();
    assert_eq!(bodies(&pool).await, [2]);
}

/// Such a transaction moves the reference elsewhere, or is about to wait for the sweep.
#[tokio::test]
async fn a_sweep_does_not_wait_long_for_who_is_just_dropping_a_reference() {
    let pool = pool().await;
    insert(&pool, &[body(1, b"text"), body(2, b"text")]).await;
    execute(&pool, REFERENCES).await;
    execute(&pool, "INSERT INTO reference VALUES (1), (2)").await;
    volume::garbage::add(&pool, &[1, 2], 1).await.unwrap();
    let mut dropping = pool.begin().await.unwrap();
    sqlx::query("DELETE FROM reference WHERE body_id = 2")
        .execute(&mut *dropping)
        .await
        .unwrap();
    let expected = Swept {
        removed: 0,
        referenced: 1,
        postponed: 1,
    };
    assert_eq!(sweep(&pool, 1).await, expected);
    volume::garbage::add(&mut *dropping, &[2], 1).await.unwrap();
    dropping.commit().await.unwrap();
    assert_eq!(sweep(&pool, 1).await.removed, 1);
    assert_eq!(bodies(&pool).await, [1]);
}

/// A sweep has found a reference and drops the candidate while the last reference goes.
#[tokio::test]
async fn a_candidate_that_a_sweep_drops_is_named_again_by_who_waited_for_the_sweep() {
    let pool = pool().await;
    insert(&pool, &[body(1, b"text")]).await;
    volume::garbage::add(&pool, &[1], 1).await.unwrap();
    let mut sweeping = pool.begin().await.unwrap();
    sqlx::query("DELETE FROM volume.garbage")
        .execute(&mut *sweeping)
        .await
        .unwrap();
    let dropping = tokio::spawn({
        let pool = pool.clone();
        async move { volume::garbage::add(&pool, &[1], 1).await }
    });
    let waiting = async {
        let is_waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(is_waiting)
            .fetch_one(&pool)
            .await
            .unwrap()
        {}
    };
    timeout(Duration::from_secs(30), waiting).await.unwrap();
    sweeping.commit().await.unwrap();
    dropping.await.unwrap().unwrap();
    assert_eq!(sweep(&pool, 1).await.removed, 1);
}

#[tokio::test]
async fn any_number_may_sweep_at_once() {
    let pool = pool().await;
    let bodies: Vec<NewBody> = (1..=1200).map(|id| body(id, b"text")).collect();
    insert(&pool, &bodies).await;
    let ids: Vec<i64> = (1..=1200).collect();
    volume::garbage::add(&pool, &ids, 1).await.unwrap();
    let (one, two) = tokio::join!(
        volume::garbage::sweep(&pool, 1),
        volume::garbage::sweep(&pool, 1)
    );
    assert_eq!(one.unwrap().removed + two.unwrap().removed, 1200);
}

#[tokio::test]
async fn outdated_summaries_are_found_by_an_index_of_their_own_and_once() {
    let pool = pool().await;
    let older = |id| NewBody {
        summary: Summary::new(SCANNER_VERSION - 1, Bytes::from_static(b"older")),
        ..body(id, b"text")
    };
    insert(&pool, &[older(1), body(2, b"text"), older(3), older(4)]).await;
    assert_eq!(summaries::count_outdated(&pool).await.unwrap(), 3);

    let mut first = pool.begin().await.unwrap();
    let found = summaries::find_outdated(&pool, -1, 2).await.unwrap();
    assert_eq!(found, [1, 3]);
    let found = summaries::find_outdated(&pool, 1, 9).await.unwrap();
    assert_eq!(found, [3, 4]);
    let ids = summaries::lock_outdated(&mut first, &[1, 2, 3, 9]);
    assert_eq!(ids.await.unwrap(), [1, 3]);
    // Another takes what is left; removal waits, for nobody.
    let mut second = pool.begin().await.unwrap();
    let ids = summaries::lock_outdated(&mut second, &found).await.unwrap();
    assert_eq!(ids, [4]);
    volume::garbage::add(&pool, &[1], 0).await.unwrap();
    let swept = volume::garbage::sweep(&pool, 0).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            postponed: 1,
            ..Swept::default()
        }
    );

    let renewed = Summary::new(SCANNER_VERSION, Bytes::from_static(b"newer"));
    summaries::renew(&mut first, &[(1, renewed)]).await.unwrap();
    summaries::pass_over(&mut first, &[3]).await.unwrap();
    first.commit().await.unwrap();
    second.rollback().await.unwrap();
    let stored = volume::headers(&pool, &[1, 3]).await.unwrap();
    let stored: Vec<&[u8]> = stored.iter().map(|body| &*body.summary).collect();
    assert_eq!(stored, [&b"newer"[..], b"older"]);
    assert_eq!(summaries::count_outdated(&pool).await.unwrap(), 1);

    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'volume' AND indexdef LIKE '%scanner%'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let of_today = format!("WHERE (scanner_version < {SCANNER_VERSION})");
    assert!(
        matches!(indexes.as_slice(), [index] if index.ends_with(&of_today)),
        "{indexes:?}"
    );
}
