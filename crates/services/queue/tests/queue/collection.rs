//! `collection.v1`, and the ledger that is written with the messages (I10).

use api::collection::v1::{
    ClaimAccountRequest, FindCollectedRequest, ForgetCollectedRequest, ListAccountsRequest,
    ReportPollRequest,
};
use api::grpc::Code;
use api::queue::v1::{Collected, Submission};

use crate::harness::{Queue, submission};

fn collected(uidl: &str, hash: &'static [u8]) -> Submission {
    let mut submission = submission(["bob@example.test"]);
    submission.collected = Some(Collected {
        account: "isp".to_owned(),
        uidl: uidl.to_owned(),
        content_hash: hash.into(),
    });
    submission
}

#[tokio::test]
async fn i10_a_collected_message_is_taken_once() {
    let queue = Queue::start().await;
    let first = queue.enqueue(collected("1", b"hash")).await.unwrap();
    assert!(!first.duplicate);
    let queue = queue.restart().await;
    let again = queue.enqueue(collected("1", b"hash")).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.message_id, first.message_id);
    // The server gave the UIDL to another message.
    let other = queue.enqueue(collected("1", b"other")).await.unwrap();
    assert!(!other.duplicate);
    assert_eq!(queue.statistics().await.messages, 2);
}

#[tokio::test]
async fn i10_the_same_message_twice_in_one_batch_is_taken_once() {
    let queue = Queue::start().await;
    let mut submitter = queue.submitter().await;
    for tag in 0..40 {
        submitter.send(tag, collected(&format!("{}", tag % 20), b"hash"));
    }
    let mut duplicates = 0;
    for _ in 0..40 {
        duplicates += u32::from(submitter.answer().await.1.unwrap().duplicate);
    }
    assert_eq!(duplicates, 20);
    assert_eq!(queue.statistics().await.messages, 20);
}

#[tokio::test]
async fn i10_a_message_that_was_refused_is_not_in_the_ledger() {
    let queue = Queue::start().await;
    let mut wrong = collected("1", b"hash");
    let content = wrong.content.as_mut().unwrap();
    content.text = Some(api::message::v1::content::Text::Stored(424_242));
    queue.enqueue(wrong).await.unwrap_err();
    assert!(
        !queue
            .enqueue(collected("1", b"hash"))
            .await
            .unwrap()
            .duplicate
    );
}

#[tokio::test]
async fn the_ledger_is_asked_and_forgets() {
    let queue = Queue::start().await;
    queue.enqueue(collected("1", b"one")).await.unwrap();
    queue.enqueue(collected("2", b"two")).await.unwrap();
    let uidls: Vec<String> = ["1", "2", "3"].map(str::to_owned).to_vec();
    let find = FindCollectedRequest {
        account: "isp".to_owned(),
        uidls: uidls.clone(),
    };
    let mut collection = queue.collection();
    let mut found = collection
        .find_collected(find.clone())
        .await
        .unwrap()
        .into_inner()
        .messages;
    found.sort_by(|a, b| a.uidl.cmp(&b.uidl));
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].uidl.as_str(), &found[0].content_hash[..]),
        ("1", &b"one"[..])
    );
    assert_eq!(found[0].collected_at_ms, queue.now());
    let forget = ForgetCollectedRequest {
        account: "isp".to_owned(),
        uidls,
    };
    collection.forget_collected(forget).await.unwrap();
    let found = collection
        .find_collected(find)
        .await
        .unwrap()
        .into_inner()
        .messages;
    assert_eq!(found, []);
}

#[tokio::test]
async fn of_several_collectors_one_polls() {
    let queue = Queue::start().await;
    let claim = |collector: &str| ClaimAccountRequest {
        account: "isp".to_owned(),
        collector: collector.to_owned(),
        claim_seconds: 60,
        interval_seconds: 300,
    };
    let report = |collector: &str, error: &str, collected: u32| ReportPollRequest {
        account: "isp".to_owned(),
        collector: collector.to_owned(),
        error: error.to_owned(),
        collected,
        left: 0,
    };
    let mut collection = queue.collection();
    let one = collection
        .claim_account(claim("one"))
        .await
        .unwrap()
        .into_inner();
    assert!(one.granted);
    let two = collection
        .claim_account(claim("two"))
        .await
        .unwrap()
        .into_inner();
    assert!(!two.granted);
    assert_eq!(two.retry_in_ms, 300_000);
    let status = collection
        .report_poll(report("two", "", 1))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    collection.report_poll(report("one", "", 3)).await.unwrap();

    // Reported, but polled a moment ago.
    assert!(
        !collection
            .claim_account(claim("two"))
            .await
            .unwrap()
            .into_inner()
            .granted
    );
    queue.advance(300_000);
    assert!(
        collection
            .claim_account(claim("two"))
            .await
            .unwrap()
            .into_inner()
            .granted
    );
    // Never reported: the claim lapses.
    queue.advance(300_000);
    assert!(
        collection
            .claim_account(claim("one"))
            .await
            .unwrap()
            .into_inner()
            .granted
    );
    let late = collection
        .report_poll(report("two", "", 1))
        .await
        .unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition);
    collection
        .report_poll(report("one", "no route", 0))
        .await
        .unwrap();

    let accounts = collection
        .list_accounts(ListAccountsRequest {})
        .await
        .unwrap()
        .into_inner();
    let [account] = &accounts.accounts[..] else {
        panic!("one account: {accounts:?}");
    };
    assert_eq!(account.last_error, "no route");
    assert_eq!(account.total_collected, 3);
    assert_eq!(account.last_poll_ms, queue.now());
}
