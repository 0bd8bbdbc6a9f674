//! Upkeep of a store filled by an older version.

use api::mailbox::v1::{GetUpkeepRequest, GetUpkeepResponse};
use api::message::v1::Summary;
use prost::Message as _;

use crate::running::{MESSAGE, Running};

#[tokio::test]
async fn a_service_that_starts_on_older_summaries_renews_them_and_says_so() {
    let url = test_kit::Postgres::start().database().await;
    let running = Running::start(url.clone()).await;
    let body = running.body(MESSAGE).await;
    let stored = summary(&running, body).await;
    // The counting of lines has not changed: the lines of the earlier summary are kept.
    let older = Summary {
        lines: stored.lines,
        ..Summary::default()
    };
    sqlx::query("UPDATE volume.body SET summary = $1, scanner_version = 0")
        .bind(older.encode_to_vec())
        .execute(&running.pool)
        .await
        .unwrap();
    running.drained().await;

    let mut running = Running::start(url).await;
    let expected = GetUpkeepResponse {
        outdated_summaries: 0,
        renewed_summaries: 1,
        unreadable_bodies: 0,
    };
    test_kit::in_time("the summary has been renewed", async {
        loop {
            let answer = running.upkeep.get_upkeep(GetUpkeepRequest {}).await;
            if answer.unwrap().into_inner() == expected {
                break;
            }
        }
    })
    .await;
    assert_eq!(summary(&running, body).await, stored);
    running.drained().await;
}

async fn summary(running: &Running, body: i64) -> Summary {
    let stored = volume::header(&running.pool, body).await.unwrap();
    Summary::decode(stored.summary).unwrap()
}
