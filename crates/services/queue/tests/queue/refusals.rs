//! Refusals: what front ends report, and how it is found.

use api::grpc::Code;
use api::queue::v1::refusals_client::RefusalsClient;
use api::queue::v1::{ListRefusalsRequest, Refusal, RefusalKey, ReportRefusalsRequest};

use service_kit::Service;

use crate::harness::{Queue, administrator};

/// The process that reports.
const REPORTER: &str = "imap";

const DAY: i64 = 24 * 60 * 60 * 1000;

fn refusal(at_ms: i64, peer: &str, recipient: &str, verdict: &str) -> Refusal {
    Refusal {
        at_ms,
        last_at_ms: at_ms,
        count: 1,
        peer_address: peer.to_owned(),
        helo: "x.test".to_owned(),
        listener: "mx".to_owned(),
        reverse_path: "A@x.test".to_owned(),
        recipient: recipient.to_owned(),
        verdict: verdict.to_owned(),
        reasons: vec!["one".to_owned(), "two".to_owned()],
        policy_revision: 7,
        session: "01ABC".to_owned(),
        // Of which the queue does not take the reporter's word.
        service: REPORTER.to_owned(),
        ..Refusal::default()
    }
}

async fn report(queue: &Queue, refusals: Vec<Refusal>) -> Result<(), api::grpc::Status> {
    let request = ReportRefusalsRequest { refusals };
    let service = Service::for_tests(REPORTER);
    let channel = service.channel(&queue.listen()).unwrap();
    let mut client = RefusalsClient::new(channel);
    client.report_refusals(request).await.map(|_| ())
}

async fn list(
    queue: &Queue,
    mut request: ListRefusalsRequest,
) -> Result<(Vec<Refusal>, Option<RefusalKey>), api::grpc::Status> {
    request.actor = administrator();
    let mut client = RefusalsClient::new(queue.channel.clone());
    let page = client.list_refusals(request).await?.into_inner();
    Ok((page.refusals, page.next))
}

async fn recipients(queue: &Queue, request: ListRefusalsRequest) -> Vec<String> {
    let (found, _) = list(queue, request).await.unwrap();
    found.into_iter().map(|r| r.recipient).collect()
}

#[tokio::test]
async fn what_was_refused_is_found_by_sender_recipient_address_verdict_and_time() {
    let queue = Queue::start().await;
    let now = queue.now();
    let reported = vec![
        refusal(
            now - 3000,
            "203.0.113.9",
            "bob@example.test",
            "no-such-user",
        ),
        refusal(
            now - 2000,
            "203.0.113.10",
            "b@elsewhere.test",
            "relay-denied",
        ),
        refusal(
            now - 1000,
            "2001:db8::1",
            "eve@example.test",
            "relay-denied",
        ),
        Refusal {
            reverse_path: String::new(),
            ..refusal(
                now,
                "198.51.100.7",
                "last@example.test",
                "blank-reverse-path",
            )
        },
    ];
    let forged = reported.iter().cloned().map(|one| Refusal {
        service: "smtp-server".to_owned(),
        ..one
    });
    report(&queue, forged.collect()).await.unwrap();

    let (all, next) = list(&queue, ListRefusalsRequest::default()).await.unwrap();
    assert!(next.is_none());
    let newest_first: Vec<Refusal> = reported.into_iter().rev().collect();
    assert_eq!(all, newest_first, "everything is kept as it was reported");

    let any = ListRefusalsRequest::default;
    for (request, expected) in [
        (
            ListRefusalsRequest {
                sender: "a@X".to_owned(),
                ..any()
            },
            vec!["eve@example.test", "b@elsewhere.test", "bob@example.test"],
        ),
        (
            ListRefusalsRequest {
                recipient: "EXAMPLE.test".to_owned(),
                verdict: "relay-denied".to_owned(),
                ..any()
            },
            vec!["eve@example.test"],
        ),
        (
            ListRefusalsRequest {
                address: "203.0.113.9".to_owned(),
                ..any()
            },
            vec!["bob@example.test"],
        ),
        (
            ListRefusalsRequest {
                address: "203.0.113.0/28".to_owned(),
                ..any()
            },
            vec!["b@elsewhere.test", "bob@example.test"],
        ),
        (
            ListRefusalsRequest {
                since_ms: now - 1000,
                ..any()
            },
            vec!["last@example.test", "eve@example.test"],
        ),
        (
            ListRefusalsRequest {
                verdict: "relay".to_owned(),
                ..any()
            },
            vec![],
        ),
    ] {
        assert_eq!(
            recipients(&queue, request.clone()).await,
            expected,
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn refusals_are_listed_page_by_page_although_many_have_one_time() {
    let queue = Queue::start().await;
    let now = queue.now();
    let many = (0..7).map(|n| refusal(now, "203.0.113.9", &format!("r{n}@x.test"), "v"));
    report(&queue, many.collect()).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let request = ListRefusalsRequest {
            after,
            limit: 3,
            ..Default::default()
        };
        let (page, next) = list(&queue, request).await.unwrap();
        seen.extend(page.into_iter().map(|refusal| refusal.recipient));
        after = next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..7).rev().map(|n| format!("r{n}@x.test")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn refusals_are_dropped_after_their_days() {
    let queue = Queue::start().await;
    let old = queue.now();
    report(&queue, vec![refusal(old, "203.0.113.9", "old@x.test", "v")])
        .await
        .unwrap();
    queue.advance(29 * DAY);
    let queue = queue.restart().await;
    let now = queue.now();
    report(&queue, vec![refusal(now, "203.0.113.9", "new@x.test", "v")])
        .await
        .unwrap();
    let all = ListRefusalsRequest::default;
    assert_eq!(
        recipients(&queue, all()).await,
        ["new@x.test", "old@x.test"]
    );
    queue.advance(2 * DAY);
    let queue = queue.restart().await;
    assert_eq!(recipients(&queue, all()).await, ["new@x.test"]);
}

#[tokio::test]
async fn what_is_reported_is_bounded_and_made_to_fit() {
    let queue = Queue::start().await;
    let now = queue.now();
    let any = || refusal(now, "203.0.113.9", "r@x.test", "v");
    let too_many = report(&queue, vec![any(); 2001]).await.unwrap_err();
    assert_eq!(too_many.code(), Code::InvalidArgument);
    let nobody = refusal(now, "nobody", "r@x.test", "v");
    let nobody = report(&queue, vec![nobody]).await.unwrap_err();
    assert_eq!(nobody.code(), Code::InvalidArgument);
    let request = ListRefusalsRequest {
        limit: 1001,
        ..Default::default()
    };
    assert_eq!(
        list(&queue, request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let request = ListRefusalsRequest {
        address: "203.0.113.0/33".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        list(&queue, request).await.unwrap_err().code(),
        Code::InvalidArgument
    );

    // A reporter with a wrong clock, and a client that sends odd text.
    let strange = vec![
        Refusal {
            helo: "ü".repeat(2000),
            reverse_path: "a\0b".to_owned(),
            count: u64::MAX,
            ..refusal(now + 90 * DAY, "", "future@x.test", "v")
        },
        refusal(0, "203.0.113.9", "past@x.test", "v"),
    ];
    report(&queue, strange).await.unwrap();
    let (found, _) = list(&queue, ListRefusalsRequest::default()).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].at_ms, found[0].helo.len()), (now, 1000));
    assert_eq!(found[0].reverse_path, "a\u{fffd}b");
    assert_eq!(found[0].peer_address, "");
    assert_eq!(found[1].at_ms, now - DAY);
}
