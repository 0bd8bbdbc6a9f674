//! `collection.v1`, and the ledger, which is written together with the messages (I10).

use api::collection::v1::{
    BeginPollRequest, BeginPollResponse, ClaimAccountRequest, FindByHeaderRequest,
    FindCollectedRequest, ForgetCollectedRequest, ListAccountsRequest, NoteMessageRequest,
    NotedMessage, RenameCollectedRequest, ReportPollRequest, UncollectedMessage,
    UncollectedMessages,
};
use api::grpc::Code;
use api::queue::v1::{Collected, Submission};
use bytes::Bytes;

use crate::harness::{Queue, submission};

fn collected(remote_id: &str, hash: &'static [u8]) -> Submission {
    let mut submission = submission(["bob@example.test"]);
    submission.collected = Some(Collected {
        account: "isp".to_owned(),
        remote_id: remote_id.to_owned(),
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
    // The server reused the UIDL for another message.
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

/// A name of the form of an upload's, of no upload.
pub(crate) fn no_upload() -> Bytes {
    Bytes::from_static(&[1; 24])
}

#[tokio::test]
async fn i10_a_message_that_was_refused_is_not_in_the_ledger() {
    let queue = Queue::start().await;
    let mut wrong = collected("1", b"hash");
    let content = wrong.content.as_mut().unwrap();
    content.text = Some(api::message::v1::content::Text::Stored(no_upload()));
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
    let remote_ids: Vec<String> = ["1", "2", "3"].map(str::to_owned).to_vec();
    let find = FindCollectedRequest {
        account: "isp".to_owned(),
        remote_ids: remote_ids.clone(),
    };
    let mut collection = queue.collection();
    let mut found = collection
        .find_collected(find.clone())
        .await
        .unwrap()
        .into_inner()
        .messages;
    found.sort_by(|a, b| a.remote_id.cmp(&b.remote_id));
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].remote_id.as_str(), &found[0].content_hash[..]),
        ("1", &b"one"[..])
    );
    assert_eq!(found[0].collected_at_ms, queue.now());
    let forget = ForgetCollectedRequest {
        account: "isp".to_owned(),
        remote_ids,
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
        failed: !error.is_empty(),
        uncollected: None,
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
    // Never reported: the claim expires.
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
    assert_eq!(
        (account.failures, account.last_success_ms),
        (1, queue.now() - 600_000)
    );
}

async fn begin(queue: &Queue) -> BeginPollResponse {
    let request = BeginPollRequest {
        account: "isp".to_owned(),
    };
    let begun = queue.collection().begin_poll(request).await;
    begun.unwrap().into_inner()
}

async fn claim(queue: &Queue) {
    let claim = ClaimAccountRequest {
        account: "isp".to_owned(),
        collector: "one".to_owned(),
        claim_seconds: 60,
        interval_seconds: 0,
    };
    queue.collection().claim_account(claim).await.unwrap();
}

#[tokio::test]
async fn i10_a_message_is_found_by_its_header_and_renamed() {
    let hash = |header: u8| [[1; 32], [header; 32]].concat();
    let with_hash = |remote_id: &str, header: u8| {
        let mut submission = collected(remote_id, b"");
        if let Some(collected) = &mut submission.collected {
            collected.content_hash = hash(header).into();
        }
        submission
    };
    let queue = Queue::start().await;
    let first = queue.enqueue(with_hash("old", 7)).await.unwrap();
    queue.enqueue(with_hash("other", 8)).await.unwrap();
    assert_eq!(begin(&queue).await.ledger_entries, 2);
    let find = |header: u8| FindByHeaderRequest {
        account: "isp".to_owned(),
        header_hash: vec![header; 32].into(),
    };
    let mut collection = queue.collection();
    let found = collection.find_by_header(find(7)).await.unwrap();
    let found = found.into_inner().messages;
    assert_eq!((found.len(), &*found[0].remote_id), (1, "old"));
    let rename = RenameCollectedRequest {
        account: "isp".to_owned(),
        remote_id: "old".to_owned(),
        content_hash: hash(7).into(),
        new_remote_id: "new".to_owned(),
    };
    // A repetition does no harm.
    for _ in 0..2 {
        collection.rename_collected(rename.clone()).await.unwrap();
    }
    let found = collection.find_by_header(find(7)).await.unwrap();
    assert_eq!(found.into_inner().messages[0].remote_id, "new");
    let again = queue.enqueue(with_hash("new", 7)).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.message_id, first.message_id);
    assert_eq!(begin(&queue).await.ledger_entries, 2);
    let wrong = collection.find_by_header(FindByHeaderRequest {
        account: "isp".to_owned(),
        header_hash: vec![1].into(),
    });
    assert_eq!(wrong.await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_is_being_read_is_known_until_a_report_and_so_is_what_was_not_collected() {
    let queue = Queue::start().await;
    let noted = NotedMessage {
        remote_id: "u2".to_owned(),
        size: 77,
    };
    let note = NoteMessageRequest {
        account: "isp".to_owned(),
        collector: "one".to_owned(),
        message: Some(noted.clone()),
    };
    let unclaimed = queue.collection().note_message(note.clone()).await;
    assert_eq!(unclaimed.unwrap_err().code(), Code::FailedPrecondition);
    claim(&queue).await;
    queue.collection().note_message(note).await.unwrap();
    // The collector is killed, and so is the queue.
    let queue = queue.restart().await;
    assert_eq!(begin(&queue).await.interrupted, Some(noted));

    let left = UncollectedMessage {
        remote_id: "u2".to_owned(),
        size: 77,
        subject: "it\0\x1b[2J".to_owned(),
        reason: "the server closed the connection".to_owned(),
        tries: 3,
        first_at_ms: 1,
        last_at_ms: 2,
        retry_at_ms: 3,
        set_aside: true,
    };
    let report = |uncollected: Option<Vec<UncollectedMessage>>| ReportPollRequest {
        account: "isp".to_owned(),
        collector: "one".to_owned(),
        left: 5,
        uncollected: uncollected.map(|messages| UncollectedMessages { messages }),
        ..ReportPollRequest::default()
    };
    let mut collection = queue.collection();
    let messages = vec![left.clone(), left.clone()];
    collection
        .report_poll(report(Some(messages)))
        .await
        .unwrap();
    let begun = begin(&queue).await;
    assert_eq!(begun.interrupted, None);
    let expected = UncollectedMessage {
        subject: "it\u{fffd}\u{fffd}[2J".to_owned(),
        ..left
    };
    assert_eq!(begun.uncollected, std::slice::from_ref(&expected));

    // A report without a list keeps them; a report with an empty list removes them.
    claim(&queue).await;
    collection.report_poll(report(None)).await.unwrap();
    let accounts = collection.list_accounts(ListAccountsRequest {}).await;
    let account = accounts.unwrap().into_inner().accounts.remove(0);
    assert_eq!((account.uncollected, account.left), (vec![expected], 5));
    claim(&queue).await;
    collection
        .report_poll(report(Some(Vec::new())))
        .await
        .unwrap();
    assert_eq!(begin(&queue).await.uncollected, []);
}
