#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use service_kit::Service;

use super::*;

/// The capacity of one batch: 64 bodies of 64 KiB.
const BODIES: usize = 64;
const OCTETS: usize = 64 * 1024;

fn batch(text: &[u8]) -> Columns<'_> {
    let ids: Vec<i64> = (1..=BODIES as i64).collect();
    let size = OCTETS as i64;
    Columns {
        body: BodyColumns {
            id: ids.clone(),
            size: vec![size; BODIES],
            header: vec![b"Subject: x\r\n\r\n"; BODIES],
            summary: vec![b""; BODIES],
            scanner_version: vec![0; BODIES],
            text: vec![Some(text); BODIES],
        },
        body_id: ids.clone(),
        prefix: vec![b""; BODIES],
        size: vec![size; BODIES],
        reverse_path: vec!["a@example.test"; BODIES],
        flags: vec![0; BODIES],
        envelope_id: vec![""; BODIES],
        return_content: vec![0; BODIES],
        origin: vec![b""; BODIES],
        session: vec![None; BODIES],
        policy_revision: vec![1; BODIES],
        options: vec![None; BODIES],
        released_at: vec![0; BODIES],
        depth: vec![0; BODIES],
        recipients: vec![1; BODIES],
        recipient: RecipientColumns::default(),
        id: ids,
    }
}

#[tokio::test]
async fn a_batch_of_bodies_makes_no_temporary_file() {
    let url = test_kit::Postgres::start().database().await;
    let options = crate::run::options(&Service::for_tests("queue"));
    let pool = database::connect(&url, &options).await.unwrap();
    volume::migrate(&pool).await.unwrap();
    database::migrate(&pool, "queue", &crate::MIGRATIONS)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let text: Vec<u8> = (0..OCTETS).map(|n| (n * 31 % 251) as u8).collect();
    insert(&mut connection, &batch(&text), 1).await.unwrap();

    sqlx::query("SELECT pg_stat_force_next_flush()")
        .execute(&mut *connection)
        .await
        .unwrap();
    let files: i64 = sqlx::query_scalar(
        "SELECT temp_files FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    assert_eq!(files, 0);
}
