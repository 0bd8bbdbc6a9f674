//! Messages derived at the ends of recipients.

use api::MAX_DERIVATION_DEPTH;
use api::grpc::Code;
use api::message::v1::{Content, content};
use api::queue::v1::{
    CompleteRequest, Derived, DerivedKind, LeasedMessage, Outcome, Recipient, Submission,
};

use crate::harness::{LeaseStream, Queue, completion, submission};

/// A derived message with the same body, to other recipients.
pub(crate) fn over<'a>(
    parent: &LeasedMessage,
    to: impl IntoIterator<Item = &'a str>,
) -> Submission {
    let recipients = to.into_iter().map(|address| Recipient {
        address: address.to_owned(),
        ..Recipient::default()
    });
    Submission {
        reverse_path: parent.reverse_path.clone(),
        recipients: recipients.collect(),
        prefix: parent.prefix.clone(),
        content: Some(Content {
            text: Some(content::Text::Body(parent.body_id)),
            ..Content::default()
        }),
        ..Submission::default()
    }
}

/// The end of the message's first recipient, with the message derived from it.
pub(crate) fn end(
    message: &LeasedMessage,
    outcome: Outcome,
    made: Vec<(DerivedKind, Submission)>,
) -> CompleteRequest {
    let recipient = &message.recipients[0];
    let derived = made.into_iter().map(|(kind, submission)| Derived {
        recipient_ids: vec![recipient.recipient_id],
        kind: kind.into(),
        submission: Some(submission),
    });
    CompleteRequest {
        tag: 1,
        completions: vec![completion(recipient, outcome)],
        derived: derived.collect(),
        ..CompleteRequest::default()
    }
}

fn forward(message: &LeasedMessage) -> CompleteRequest {
    let submission = over(message, ["carol@other.test"]);
    end(
        message,
        Outcome::Forwarded,
        vec![(DerivedKind::Forward, submission)],
    )
}

pub(crate) async fn next(worker: &mut LeaseStream) -> LeasedMessage {
    let mut response = worker.response().await.unwrap();
    assert_eq!(response.messages.len(), 1);
    response.messages.pop().unwrap()
}

#[tokio::test]
async fn i2_a_forward_is_an_end_and_both_messages_tell_of_each_other() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let message = Submission {
        prefix: "Received: once\r\n".into(),
        ..submission(["bob@example.test"])
    };
    queue.enqueue(message).await.unwrap();
    let parent = next(&mut worker).await;
    assert_eq!(parent.depth, 0);
    queue.complete(forward(&parent)).await.unwrap();

    let child = next(&mut worker).await;
    assert_eq!(child.recipients[0].address, "carol@other.test");
    assert_eq!(
        (child.body_id, child.size, child.depth),
        (parent.body_id, parent.size, 1)
    );
    assert_ne!(child.message_id, parent.message_id);
    let shown = queue.show(parent.message_id).await.unwrap();
    assert_eq!(shown.message, None);
    assert_eq!(shown.history[0].outcome(), Outcome::Forwarded);
    assert_eq!(shown.parent, None);
    let [tie] = &shown.children[..] else {
        panic!("one child: {shown:?}");
    };
    assert_eq!(tie.message_id, child.message_id);
    assert_eq!(tie.parent_id, parent.message_id);
    assert_eq!(tie.kind(), DerivedKind::Forward);
    assert_eq!(tie.recipient_ids, [parent.recipients[0].recipient_id]);
    assert_eq!(tie.at_ms, queue.now());
    let shown = queue.show(child.message_id).await.unwrap();
    assert_eq!(shown.parent.as_ref(), Some(tie));
    assert_eq!(shown.children, []);
}

#[tokio::test]
async fn i4_a_stale_lease_makes_nothing() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let parent = next(&mut worker).await;
    worker.give_back(&parent.recipients);
    let again = next(&mut worker).await;
    let stale = queue.complete(forward(&parent)).await.unwrap().stale;
    assert_eq!(stale.len(), 1);
    assert_eq!(queue.statistics().await.messages, 1);
    let stale = queue.complete(forward(&again)).await.unwrap().stale;
    assert_eq!(stale, []);
    let shown = queue.show(parent.message_id).await.unwrap();
    assert_eq!(shown.children.len(), 1);
}

#[tokio::test]
async fn an_end_makes_several_messages() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    queue
        .enqueue(submission(["list@example.test"]))
        .await
        .unwrap();
    let parent = next(&mut worker).await;
    let made = vec![
        (
            DerivedKind::ListPost,
            over(&parent, ["a@example.test", "b@example.test"]),
        ),
        (DerivedKind::Copy, over(&parent, ["archive@example.test"])),
        (DerivedKind::AutoReply, submission(["alice@example.test"])),
    ];
    let request = end(&parent, Outcome::Expanded, made);
    queue.complete(request).await.unwrap();
    let mut addresses: Vec<_> = worker
        .take(4)
        .await
        .into_iter()
        .map(|recipient| recipient.address)
        .collect();
    addresses.sort();
    assert_eq!(
        addresses,
        [
            "a@example.test",
            "alice@example.test",
            "archive@example.test",
            "b@example.test"
        ]
    );
    let shown = queue.show(parent.message_id).await.unwrap();
    let kinds: Vec<_> = shown.children.iter().map(|tie| tie.kind()).collect();
    assert_eq!(
        kinds,
        [
            DerivedKind::ListPost,
            DerivedKind::Copy,
            DerivedKind::AutoReply
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_with_the_end() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    queue
        .enqueue(submission(["bob@example.test", "eve@example.test"]))
        .await
        .unwrap();
    let parent = next(&mut worker).await;
    let copy = || vec![(DerivedKind::Copy, over(&parent, ["carol@example.test"]))];
    let mut of_two = end(&parent, Outcome::Delivered, copy());
    let other = &parent.recipients[1];
    of_two
        .completions
        .push(completion(other, Outcome::Delivered));
    of_two.derived[0].recipient_ids.push(other.recipient_id);
    let mut of_nobody = end(&parent, Outcome::Delivered, copy());
    of_nobody.derived[0].recipient_ids.clear();
    let mut of_another = end(&parent, Outcome::Delivered, copy());
    of_another.derived[0].recipient_ids = vec![other.recipient_id];
    let mut of_no_kind = end(&parent, Outcome::Delivered, copy());
    of_no_kind.derived[0].kind = 0;
    let mut tried_again = end(&parent, Outcome::Retry, copy());
    tried_again.completions[0].retry_after_ms = 1;
    let lost = Submission {
        content: Some(Content {
            text: Some(content::Text::Body(404)),
            ..Content::default()
        }),
        ..submission(["carol@example.test"])
    };
    for (what, request) in [
        (
            "goes on as nothing",
            end(&parent, Outcome::Forwarded, vec![]),
        ),
        ("goes on as a copy", end(&parent, Outcome::Expanded, copy())),
        ("tried again", tried_again),
        ("a copy of two", of_two),
        ("of nobody", of_nobody),
        ("of one without an end", of_another),
        ("of no kind", of_no_kind),
        (
            "without a body",
            end(
                &parent,
                Outcome::Forwarded,
                vec![(DerivedKind::Forward, lost)],
            ),
        ),
    ] {
        let status = queue.complete(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status}");
    }
    let shown = queue.show(parent.message_id).await.unwrap();
    assert_eq!((shown.history, shown.children), (vec![], vec![]));
    assert_eq!(shown.message.unwrap().recipients.len(), 2);
}

/// A forwarding loop ends, and the sender gets a notice.
#[tokio::test]
async fn messages_are_made_of_each_other_so_often_and_not_more() {
    let queue = Queue::start().await;
    let mut worker = queue.worker("worker").await;
    worker.grant(100);
    queue
        .enqueue(submission(["bob@example.test"]))
        .await
        .unwrap();
    let mut message = next(&mut worker).await;
    for depth in 1..=MAX_DERIVATION_DEPTH {
        queue.complete(forward(&message)).await.unwrap();
        message = next(&mut worker).await;
        assert_eq!(message.depth, depth);
    }
    let status = queue.complete(forward(&message)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let notice = submission(["alice@example.test"]);
    let bounced = end(
        &message,
        Outcome::Bounced,
        vec![(DerivedKind::Notice, notice)],
    );
    assert_eq!(queue.complete(bounced).await.unwrap().stale, []);
    let notice = next(&mut worker).await;
    assert_eq!(notice.depth, MAX_DERIVATION_DEPTH + 1);
    let status = queue.complete(forward(&notice)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
}
