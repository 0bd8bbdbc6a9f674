//! The throw-away Postgres does what it promises to tests of other crates.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use test_kit::{DurablePostgres, Postgres};

fn sql(url: &str, statement: &str) -> String {
    let output = Command::new("psql")
        .args(["-X", "-A", "-t", url, "-c", statement])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let one = Postgres::start().database().await;
    let two = Postgres::start().database().await;
    assert_ne!(one, two);
    sql(&one, "CREATE TABLE mail (id int)");
    assert_eq!(
        sql(
            &two,
            "SELECT count(*) FROM pg_tables WHERE tablename = 'mail'"
        ),
        "0"
    );
}

#[test]
fn what_was_committed_survives_kill_9() {
    let postgres = DurablePostgres::start();
    let url = postgres.database();
    sql(
        &url,
        "CREATE TABLE mail (id int); INSERT INTO mail VALUES (1)",
    );
    for _ in 0..3 {
        postgres.kill();
        postgres.restart();
    }
    assert_eq!(sql(&url, "SELECT id FROM mail"), "1");
    assert_eq!(sql(&url, "SHOW fsync"), "on");
}
