#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use std::time::Duration;

use tokio::sync::oneshot;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::*;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_millis(800);
const MOST: usize = 2;

/// An answer: the tag, and whether the service is there.
type Reply = (u64, bool);

impl Answer for Reply {
    fn tag(&self) -> u64 {
        self.0
    }

    fn says_unavailable(&self) -> Option<Status> {
        (!self.1).then(|| Status::unavailable("for the moment"))
    }
}

/// The service's end of a stream.
struct Served {
    requests: ReceiverStream<(u64, &'static str)>,
    replies: mpsc::UnboundedSender<Result<Reply, Status>>,
    replace: oneshot::Sender<()>,
}

impl Served {
    async fn request(&mut self) -> (u64, &'static str) {
        self.requests.next().await.unwrap()
    }

    fn reply(&self, tag: u64) {
        self.replies.send(Ok((tag, true))).unwrap();
    }
}

type Calls = TaggedCalls<&'static str, (u64, &'static str), Reply>;

/// Calls, and their streams as the service sees them open. Before the first come so many failures.
fn calls(failures: usize) -> (Calls, mpsc::UnboundedReceiver<Served>) {
    let (streams, opened) = mpsc::unbounded_channel();
    let mut left = failures;
    let calls = TaggedCalls::new(Backoff::new(SHORTEST, LONGEST), MOST, move |requests| {
        if left > 0 {
            left -= 1;
            return std::future::ready(Err(Status::unavailable("away"))).boxed();
        }
        let (replies, responses) = mpsc::unbounded_channel();
        let (replace, replaced) = oneshot::channel();
        let served = Served {
            requests,
            replies,
            replace,
        };
        streams.send(served).unwrap();
        let opened = Opened::new(UnboundedReceiverStream::new(responses)).until(async {
            // A test that does not care drops its end.
            if replaced.await.is_err() {
                std::future::pending::<()>().await;
            }
        });
        std::future::ready(Ok(opened)).boxed()
    });
    (calls, opened)
}

fn call(calls: &mut Calls, what: &'static str) {
    assert!(calls.has_room());
    calls.call(what, |tag, what| (tag, *what));
}

#[tokio::test(start_paused = true)]
async fn answers_find_their_calls_in_whatever_order_they_come() {
    let (mut calls, mut streams) = calls(0);
    call(&mut calls, "a");
    call(&mut calls, "b");
    assert!(!calls.has_room());
    let mut stream = streams.recv().await.unwrap();
    let (a, b) = (stream.request().await, stream.request().await);
    assert_eq!((a.1, b.1), ("a", "b"));
    stream.reply(b.0);
    // One that was not called is passed over.
    stream.reply(99);
    stream.reply(a.0);
    assert_eq!(calls.next().await.unwrap().0, "b");
    assert_eq!(calls.next().await.unwrap().0, "a");
    assert!(calls.is_idle());
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_when_the_stream_broke_comes_back_after_a_pause() {
    let (mut calls, mut streams) = calls(0);
    call(&mut calls, "a");
    call(&mut calls, "b");
    drop(streams.recv().await.unwrap());
    let begun = Instant::now();
    let interrupted = calls.next().await.unwrap_err();
    assert_eq!(interrupted.calls, ["a", "b"]);
    assert!(begun.elapsed() >= SHORTEST / 2 && begun.elapsed() <= SHORTEST);
    call(&mut calls, "a");
    let mut stream = streams.recv().await.unwrap();
    let request = stream.request().await;
    assert!(
        request.0 > 1,
        "an old answer could be taken for the new one"
    );
    stream.reply(request.0);
    assert_eq!(calls.next().await.unwrap().0, "a");
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_while_no_stream_is_opened() {
    let (mut calls, _streams) = calls(6);
    for whole in [1, 2, 4, 8, 8, 8].map(|times| SHORTEST * times) {
        call(&mut calls, "a");
        let begun = Instant::now();
        assert_eq!(calls.next().await.unwrap_err().calls, ["a"]);
        let pause = begun.elapsed();
        assert!(pause >= whole / 2 && pause <= whole, "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_unavailable_ends_the_stream_and_makes_no_pause_shorter() {
    let (mut calls, mut streams) = calls(0);
    let mut pauses = Vec::new();
    for _ in 0..4 {
        call(&mut calls, "a");
        let mut stream = streams.recv().await.unwrap();
        let (tag, _) = stream.request().await;
        stream.replies.send(Ok((tag, false))).unwrap();
        let begun = Instant::now();
        assert_eq!(calls.next().await.unwrap_err().calls, ["a"]);
        pauses.push(begun.elapsed());
    }
    assert!(pauses[3] >= LONGEST / 2, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn while_it_is_broken_there_is_no_room_and_waiting_may_be_broken_off() {
    let (mut calls, mut streams) = calls(0);
    call(&mut calls, "a");
    drop(streams.recv().await.unwrap());
    let short = tokio::time::timeout(SHORTEST / 4, calls.next()).await;
    assert!(short.is_err());
    assert!(!calls.has_room());
    assert_eq!(calls.next().await.unwrap_err().calls, ["a"]);
    assert!(calls.has_room());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_replaced_answers_what_is_under_way_and_the_next_call_opens_another() {
    let (mut calls, mut streams) = calls(0);
    call(&mut calls, "a");
    let mut first = streams.recv().await.unwrap();
    let (tag, _) = first.request().await;
    first.replace.send(()).unwrap();
    let waiting = tokio::time::timeout(SHORTEST, calls.next()).await;
    assert!(waiting.is_err());
    assert!(!calls.has_room(), "it is for nothing new");
    first.replies.send(Ok((tag, true))).unwrap();
    assert_eq!(calls.next().await.unwrap().0, "a");
    call(&mut calls, "b");
    let mut second = streams.recv().await.unwrap();
    assert_eq!(second.request().await.1, "b");
    // Idle, it is replaced at once.
    second.reply(1);
    assert_eq!(calls.next().await.unwrap().0, "b");
    second.replace.send(()).unwrap();
    assert!(tokio::time::timeout(SHORTEST, calls.next()).await.is_err());
    call(&mut calls, "c");
    assert_eq!(streams.recv().await.unwrap().request().await.1, "c");
}

#[tokio::test(start_paused = true)]
async fn what_is_abandoned_comes_back_and_its_answers_are_not_heeded() {
    let (mut calls, mut streams) = calls(0);
    call(&mut calls, "a");
    assert_eq!(calls.abandon(), ["a"]);
    assert!(calls.is_idle());
    call(&mut calls, "b");
    let _first = streams.recv().await.unwrap();
    let mut second = streams.recv().await.unwrap();
    let (tag, _) = second.request().await;
    second.reply(tag);
    assert_eq!(calls.next().await.unwrap().0, "b");
}
