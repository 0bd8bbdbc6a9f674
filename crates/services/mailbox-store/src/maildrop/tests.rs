#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use test_kit::{Postgres, PostgresProxy};

use super::*;
use crate::test_store::TestStore;

async fn is_locked(maildrops: &Maildrops, user_id: i64) -> bool {
    match maildrops.lock(user_id).await {
        Ok(_held) => false,
        Err(Error::Precondition(_)) => true,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_maildrop_is_locked_once_here_and_elsewhere() {
    let kit = TestStore::start().await;
    let here = Maildrops::start(kit.store.pool().clone());
    let there = Maildrops::start(kit.store.pool().clone());
    let held = here.lock(1).await.unwrap();
    assert!(is_locked(&here, 1).await && is_locked(&there, 1).await);
    assert!(!is_locked(&there, 2).await);
    drop(held);
    // Commands run in order: a dropped lock is released before the next lock.
    let again = here.lock(1).await.unwrap();
    assert!(is_locked(&there, 1).await);
    drop(again);
    assert!(!is_locked(&here, 1).await);
    // This one as well.
    assert!(!is_locked(&here, 2).await);
    assert!(!is_locked(&there, 1).await);
}

#[tokio::test]
async fn a_lock_ends_with_its_process_and_with_its_connection() {
    let kit = TestStore::start().await;
    let here = Maildrops::start(kit.store.pool().clone());
    let there = Maildrops::start(kit.store.pool().clone());
    let held = here.lock(1).await.unwrap();
    // The effect of a killed process in Postgres.
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks
         WHERE locktype = 'advisory' AND database =
               (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .execute(kit.store.pool())
    .await
    .unwrap();
    // The other replica gets the lock as soon as the backend has ended.
    let taken = loop {
        match there.lock(1).await {
            Ok(taken) => break taken,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    // Here the next command at the latest notices the loss.
    assert!(is_locked(&here, 1).await || is_locked(&here, 1).await);
    let other = here.lock(2).await.unwrap();
    held.lost().await;
    drop((held, other));
    assert!(is_locked(&here, 1).await);
    drop(taken);
}

#[tokio::test]
async fn a_postgres_that_fell_silent_keeps_nobody_waiting_for_ever() {
    let proxy = PostgresProxy::start(&Postgres::start().database().await);
    let kit = TestStore::at(proxy.url().to_owned()).await;
    let maildrops = Maildrops::start(kit.store.pool().clone());
    proxy.fall_silent_at("pg_try_advisory_lock");
    let falls_silent = async {
        proxy.is_silent().await;
        // Longer than the timeout.
        tokio::time::pause();
        tokio::time::advance(TRIED_EVERY * 2).await;
        tokio::time::resume();
    };
    let locked = async { tokio::join!(maildrops.lock(1), falls_silent) };
    let (held, ()) = tokio::time::timeout(TRIED_EVERY * 12, locked)
        .await
        .unwrap();
    assert!(held.is_ok());
    assert!(is_locked(&maildrops, 1).await);
}
