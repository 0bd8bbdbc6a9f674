//! Which index a statement uses in a queue full of other mail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sqlx::AssertSqlSafe;
use test_kit::Postgres;

use super::*;

const PAGE: Page = Page {
    after: 0,
    up_to: i64::MAX,
    limit: 10,
    now: 1,
};

/// The settings of the queue's connections (`run::options`): one plan for all values.
const SETTINGS: [(&str, &str); 4] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

#[tokio::test]
async fn what_waits_for_a_domain_is_found_by_its_domain() {
    let url = Postgres::start().database().await;
    let options = SETTINGS.into_iter().fold(
        database::Options::new("plans", 2),
        |options, (name, value)| options.setting(name, value),
    );
    let pool = database::connect(&url, &options).await.unwrap();
    volume::migrate(&pool).await.unwrap();
    let migrated = database::migrate(&pool, "queue", &crate::MIGRATIONS).await;
    migrated.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    for statement in [
        "INSERT INTO queue.recipient
             (id, address, original_recipient, notify, attempts, epoch, due_at, leased, worker)
         SELECT n::bigint << 14, 'x@' || n % 1000 || '.test', '', 0, 2, 2, 2, false, ''
         FROM generate_series(1, 20000) n",
        "ANALYZE queue.recipient",
    ] {
        sqlx::query(statement)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    let wanted = Selection::Domain {
        name: "7.test",
        subdomains: true,
    };
    let due = again(&mut connection, wanted, PAGE).await.unwrap();
    assert_eq!(due.recipients, 10);

    let prepared = "SELECT name FROM pg_prepared_statements WHERE statement LIKE $1";
    let name: String = sqlx::query_scalar(prepared)
        .bind("%again AS (%")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let explain = format!("EXPLAIN EXECUTE {name}(1, 0, 99, 10, 'tset.7', 'tset.7.', 'tset.7/')");
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("on recipient_again_domain"), "{plan}");
}
