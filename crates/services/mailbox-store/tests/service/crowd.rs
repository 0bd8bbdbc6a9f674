//! One user sends many requests at once: other users, and all logins, continue.

use api::mailbox::v1::store_flags_request::Mode;
use api::mailbox::v1::{FetchRequest, Flags, ListMailboxesRequest, StoreFlagsRequest, UidRange};
use sqlx::{Connection as _, PgConnection};

use crate::running::{Running, actor};

/// Concurrent requests of one user: more than there are connections to the database.
const MANY: usize = 30;

/// An INBOX with its owner.
struct Inbox {
    user_id: i64,
    mailbox_id: i64,
}

/// Starts a service with two users; returns the first one's INBOX.
async fn start() -> (Running, String, Inbox) {
    let url = test_kit::Postgres::start().database().await;
    let mut running = Running::start(url.clone()).await;
    let bob = running.add_user("bob@example.test").await;
    running.add_user("alice@example.test").await;
    let (inbox, _) = running.select(bob, "INBOX").await;
    let inbox = Inbox {
        user_id: bob,
        mailbox_id: inbox.mailbox_id,
    };
    (running, url, inbox)
}

/// Waits until requests wait for a lock in the database.
async fn waiting(connection: &mut PgConnection) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let count = || sqlx::query_scalar::<_, i64>(waiting);
    test_kit::in_time("two requests wait for the lock", async {
        while count().fetch_one(&mut *connection).await.unwrap() < 2 {}
    })
    .await;
}

async fn log_in(running: &Running) {
    for _ in 0..3 {
        let user = running.log_in("alice@example.test", "secret").await;
        assert!(user.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_user_that_wait_keep_nobody_else_waiting() {
    let (mut running, url, inbox) = start().await;
    let mut lock = PgConnection::connect(&url).await.unwrap();
    let mut held = lock.begin().await.unwrap();
    sqlx::query("SELECT FROM mailbox.mailbox WHERE mailbox_id = $1 FOR UPDATE")
        .bind(inbox.mailbox_id)
        .execute(&mut *held)
        .await
        .unwrap();
    let changes: Vec<_> = (0..MANY)
        .map(|_| {
            let mut mailboxes = running.mailboxes.clone();
            let flags = Flags {
                system: 1,
                keywords: Vec::new(),
            };
            let request = StoreFlagsRequest {
                actor: actor(inbox.user_id),
                mailbox_id: inbox.mailbox_id,
                uids: vec![UidRange { first: 1, last: 9 }],
                mode: Mode::Add.into(),
                flags: Some(flags),
                unchanged_since: None,
            };
            tokio::spawn(async move { mailboxes.store_flags(request).await })
        })
        .collect();
    waiting(&mut held).await;
    log_in(&running).await;
    let alice = running.add_user("alice2@example.test").await;
    let request = ListMailboxesRequest {
        actor: actor(alice),
    };
    running.mailboxes.list_mailboxes(request).await.unwrap();

    held.rollback().await.unwrap();
    for change in changes {
        change.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_do_not_wait_behind_reads_and_abandoned_reads_leave_nothing() {
    let (mut running, url, inbox) = start().await;
    let mut lock = PgConnection::connect(&url).await.unwrap();
    let mut held = lock.begin().await.unwrap();
    sqlx::query("LOCK TABLE mailbox.message IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let request = || FetchRequest {
        actor: actor(inbox.user_id),
        mailbox_id: inbox.mailbox_id,
        uids: vec![UidRange {
            first: 1,
            last: u32::MAX,
        }],
        size: true,
        ..FetchRequest::default()
    };
    let mut reads = Vec::new();
    for _ in 0..MANY {
        let read = running.mailboxes.fetch(request()).await;
        reads.push(read.unwrap().into_inner());
    }
    waiting(&mut held).await;
    log_in(&running).await;

    drop(reads);
    held.rollback().await.unwrap();
    let read = running.mailboxes.fetch(request()).await;
    let end = read.unwrap().into_inner().message().await;
    assert!(matches!(end, Ok(None)), "{end:?}");
}
