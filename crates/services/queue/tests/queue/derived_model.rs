//! Derived messages, as a property: random ends of random messages, some with expired leases, in a queue that
//! is killed while it records them. Every recipient has one end (I2). A stale lease derives no message (I4).
//! No body is copied (I12). No derived message exists without its parent.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use api::queue::v1::{
    CompleteRequest, Derived, DerivedKind, LeasedMessage, LeasedRecipient, Outcome, Submission,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sqlx::PgPool;

use crate::crash::Process;
use crate::derived::over;
use crate::harness::{LeaseStream, completion, submission};

/// Longer than a case takes, so that only a broken stream ends a lease.
const LEASE_SECONDS: u32 = 300;
const CASES: usize = 6;
const STEPS: usize = 30;

/// A recipient's end, and the messages derived from it.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Deliver,
    Relay,
    Bounce,
    Forward,
    /// Expanded to this many members.
    Expand(usize),
    /// Delivered, with this many copies.
    Copies(usize),
    Reply,
    /// Not an end; the flag says whether the sender gets a notice.
    Retry(bool),
}

#[derive(Debug, Clone)]
enum Step {
    /// Enqueue a message with this many recipients.
    Enqueue(usize),
    End(prop::sample::Index, Plan),
    /// All remaining recipients of a message end at once, with one notice.
    BounceTogether(prop::sample::Index),
    /// An end reported with an expired lease.
    Late(prop::sample::Index, Plan),
    /// The queue is killed this many milliseconds after the report; then the report is repeated.
    Crash(prop::sample::Index, Plan, u64),
    /// The worker's stream breaks.
    Lapse,
    Sweep,
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        2 => Just(Plan::Deliver),
        1 => Just(Plan::Relay),
        2 => Just(Plan::Bounce),
        4 => Just(Plan::Forward),
        2 => (1usize..4).prop_map(Plan::Expand),
        2 => (1usize..3).prop_map(Plan::Copies),
        1 => Just(Plan::Reply),
        2 => any::<bool>().prop_map(Plan::Retry),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let pick = || any::<prop::sample::Index>();
    prop_oneof![
        4 => (1usize..4).prop_map(Step::Enqueue),
        9 => (pick(), plan()).prop_map(|(pick, plan)| Step::End(pick, plan)),
        1 => pick().prop_map(Step::BounceTogether),
        2 => (pick(), plan()).prop_map(|(pick, plan)| Step::Late(pick, plan)),
        1 => (pick(), plan(), 0u64..6).prop_map(|(pick, plan, after)| Step::Crash(pick, plan, after)),
        1 => Just(Step::Lapse),
        1 => Just(Step::Sweep),
    ]
}

/// A recipient that is or was leased.
#[derive(Debug, Clone)]
struct Held {
    message: LeasedMessage,
    recipient: LeasedRecipient,
    worker: usize,
}

struct World {
    queue: Process,
    worker: LeaseStream,
    workers: usize,
    held: BTreeMap<i64, Held>,
    /// Expired leases.
    late: Vec<Held>,
    /// Recipients without an end.
    waiting: usize,
    ends: BTreeMap<i64, i16>,
    /// Kinds of derived messages, by recipient. A notice of several recipients stands at each.
    made: Vec<(i64, i16)>,
    messages_made: usize,
    /// Number of messages that came with a body of their own.
    bodies: i64,
    /// The body of each message, as leased.
    body_of: BTreeMap<i64, i64>,
}

impl World {
    async fn new() -> Self {
        let queue = Process::start(LEASE_SECONDS).await;
        let worker = queue.peer.worker("worker-0").await;
        worker.grant(10_000);
        Self {
            queue,
            worker,
            workers: 0,
            held: BTreeMap::new(),
            late: Vec::new(),
            waiting: 0,
            ends: BTreeMap::new(),
            made: Vec::new(),
            messages_made: 0,
            bodies: 0,
            body_of: BTreeMap::new(),
        }
    }

    async fn another_worker(&mut self) {
        self.workers += 1;
        let name = format!("worker-{}", self.workers);
        self.worker = self.queue.peer.worker(&name).await;
        self.worker.grant(10_000);
    }

    /// Leases until all waiting recipients are held.
    async fn gather(&mut self) {
        while self.held.len() < self.waiting {
            for mut message in self.worker.response().await.unwrap().messages {
                self.body_of.insert(message.message_id, message.body_id);
                for recipient in std::mem::take(&mut message.recipients) {
                    let (message, worker) = (message.clone(), self.workers);
                    let id = recipient.recipient_id;
                    assert!(!self.ends.contains_key(&id), "it has ended");
                    let held = Held {
                        message,
                        recipient,
                        worker,
                    };
                    let before = self.held.insert(id, held);
                    assert!(before.is_none(), "held twice: {before:?}");
                }
            }
        }
    }

    fn pick(&self, pick: prop::sample::Index) -> Option<Held> {
        let all: Vec<&Held> = self.held.values().collect();
        (!all.is_empty()).then(|| all[pick.index(all.len())].clone())
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Enqueue(count) => {
                let to = ["a@example.test", "b@example.test", "c@example.test"];
                let submission = submission(to.into_iter().take(count));
                self.queue.peer.enqueue(submission).await.unwrap();
                self.waiting += count;
                self.bodies += 1;
            }
            Step::End(pick, plan) => {
                if let Some(held) = self.pick(pick) {
                    let request = request(&[held], plan);
                    let completed = self.queue.peer.complete(request.clone()).await.unwrap();
                    assert_eq!(completed.stale, []);
                    self.ended(&request);
                }
            }
            Step::BounceTogether(pick) => {
                if let Some(one) = self.pick(pick) {
                    let id = one.message.message_id;
                    let of = |held: &&Held| held.message.message_id == id;
                    let all: Vec<Held> = self.held.values().filter(of).cloned().collect();
                    let request = request(&all, Plan::Bounce);
                    let completed = self.queue.peer.complete(request.clone()).await.unwrap();
                    assert_eq!(completed.stale, []);
                    self.ended(&request);
                }
            }
            Step::Late(pick, plan) => {
                if !self.late.is_empty() {
                    let held = self.late[pick.index(self.late.len())].clone();
                    let completed = self.queue.peer.complete(request(&[held], plan)).await;
                    assert_eq!(completed.unwrap().stale.len(), 1);
                }
            }
            Step::Crash(pick, plan, after) => {
                if let Some(held) = self.pick(pick) {
                    self.crash(&request(&[held], plan), after).await;
                }
            }
            Step::Lapse => {
                let lost = self.workers;
                let gone = self.held.extract_if(.., |_, held| held.worker == lost);
                self.late.extend(gone.map(|(_, held)| held));
                self.another_worker().await;
            }
            Step::Sweep => {
                let pool = PgPool::connect(&self.queue.url).await.unwrap();
                volume::garbage::sweep(&pool, i64::MAX / 2).await.unwrap();
                pool.close().await;
            }
        }
        self.gather().await;
    }

    /// The end is recorded exactly once, whether or not it was recorded before the queue was killed.
    async fn crash(&mut self, request: &CompleteRequest, after: u64) {
        let told = self.queue.peer.try_to_complete(request.clone());
        // No wait for a signal: the property holds at whatever moment the kill comes.
        let killed = tokio::time::sleep(std::time::Duration::from_millis(after));
        tokio::select! {
            () = killed => {}
            _ = told => {}
        }
        self.queue.kill_and_restart().await;
        let again = self.queue.peer.complete(request.clone()).await.unwrap();
        assert!(again.stale.len() <= 1);
        self.ended(request);
        self.expire_unreceived().await;
        self.another_worker().await;
    }

    /// Ends the leases that the killed queue gave away and the worker never received: they would last as long as
    /// a case takes.
    async fn expire_unreceived(&self) {
        let held: Vec<i64> = self.held.keys().copied().collect();
        let pool = PgPool::connect(&self.queue.url).await.unwrap();
        sqlx::query("UPDATE queue.recipient SET due_at = 1 WHERE leased AND id <> ALL($1)")
            .bind(held)
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
    }

    /// Updates the model: the request is recorded.
    fn ended(&mut self, request: &CompleteRequest) {
        for completion in &request.completions {
            let id = completion.lease.unwrap().recipient_id;
            let held = self.held.remove(&id).unwrap();
            if completion.outcome() != Outcome::Retry {
                self.waiting -= 1;
                let before = self.ends.insert(id, completion.outcome as i16);
                assert_eq!(before, None);
                self.late.push(held);
            }
        }
        for derived in &request.derived {
            let submission = derived.submission.as_ref().unwrap();
            self.waiting += submission.recipients.len();
            self.messages_made += 1;
            self.bodies += i64::from(is_own(derived.kind()));
            let kind = derived.kind as i16;
            self.made
                .extend(derived.recipient_ids.iter().map(|id| (*id, kind)));
        }
    }

    async fn check(&self) {
        let pool = PgPool::connect(&self.queue.url).await.unwrap();
        let count = async |statement: &'static str| -> i64 {
            sqlx::query_scalar(statement)
                .fetch_one(&pool)
                .await
                .unwrap()
        };
        // A recipient waits, or has one end.
        let ends: Vec<(i64, i16)> = sqlx::query_as(
            "SELECT recipient_id, outcome FROM queue.history WHERE outcome <> 6 ORDER BY 1",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let expected: Vec<_> = self.ends.iter().map(|(id, end)| (*id, *end)).collect();
        assert_eq!(ends, expected);
        let waiting = count("SELECT count(*) FROM queue.recipient").await;
        assert_eq!(waiting, self.waiting as i64);
        // Each expected message was derived once.
        let mut made: Vec<(i64, i16)> =
            sqlx::query_as("SELECT unnest(recipient_ids), kind FROM queue.derivation")
                .fetch_all(&pool)
                .await
                .unwrap();
        let mut expected = self.made.clone();
        made.sort_unstable();
        expected.sort_unstable();
        assert_eq!(made, expected);
        let ties = count("SELECT count(DISTINCT message_id) FROM queue.derivation").await;
        assert_eq!(ties, self.messages_made as i64);
        let orphans = count(
            "SELECT count(*) FROM queue.message m WHERE (m.depth > 0) <> EXISTS (
                 SELECT FROM queue.derivation d WHERE d.message_id = m.id)",
        );
        assert_eq!(orphans.await, 0, "a child without a parent");
        // A forward, a copy and a list post have the body of their parent; the others have their own.
        let ties: Vec<(i64, i64, i16)> =
            sqlx::query_as("SELECT message_id, parent_id, kind FROM queue.derivation")
                .fetch_all(&pool)
                .await
                .unwrap();
        for (message, parent, kind) in ties {
            let kind = DerivedKind::try_from(i32::from(kind)).unwrap();
            let shares = self.body_of[&message] == self.body_of[&parent];
            assert_eq!(shares, !is_own(kind), "{message} of {parent}: {kind:?}");
        }
        // No body is copied, and none is missing.
        let without = count(
            "SELECT count(*) FROM queue.message m WHERE NOT EXISTS (
                 SELECT FROM volume.body b WHERE b.id = m.body_id)",
        );
        assert_eq!(without.await, 0, "a message without its body");
        let bodies = count("SELECT count(*) FROM volume.body").await;
        assert!(bodies <= self.bodies, "{bodies} > {}", self.bodies);
        pool.close().await;
    }
}

/// Whether a derived message of this kind has a body of its own.
fn is_own(kind: DerivedKind) -> bool {
    matches!(kind, DerivedKind::Notice | DerivedKind::AutoReply)
}

/// A report of the end of these recipients of one message.
fn request(held: &[Held], plan: Plan) -> CompleteRequest {
    let message = &held[0].message;
    let to = |count: usize| {
        ["x@example.test", "y@example.test", "z@example.test"]
            .into_iter()
            .take(count)
    };
    let own = || Submission {
        reverse_path: String::new(),
        ..submission(["alice@example.test"])
    };
    let (outcome, made) = match plan {
        Plan::Deliver => (Outcome::Delivered, vec![]),
        Plan::Relay => (Outcome::Relayed, vec![]),
        Plan::Bounce => (Outcome::Bounced, vec![(DerivedKind::Notice, own())]),
        Plan::Forward => (
            Outcome::Forwarded,
            vec![(DerivedKind::Forward, over(message, to(1)))],
        ),
        Plan::Expand(members) => (
            Outcome::Expanded,
            vec![(DerivedKind::ListPost, over(message, to(members)))],
        ),
        Plan::Copies(count) => {
            let copies = to(count).map(|one| (DerivedKind::Copy, over(message, [one])));
            (Outcome::Delivered, copies.collect())
        }
        Plan::Reply => (Outcome::Delivered, vec![(DerivedKind::AutoReply, own())]),
        Plan::Retry(true) => (Outcome::Retry, vec![(DerivedKind::Notice, own())]),
        Plan::Retry(false) => (Outcome::Retry, vec![]),
    };
    let recipient_ids: Vec<i64> = held.iter().map(|one| one.recipient.recipient_id).collect();
    let derived = made.into_iter().map(|(kind, submission)| Derived {
        recipient_ids: recipient_ids.clone(),
        kind: kind.into(),
        submission: Some(submission),
    });
    CompleteRequest {
        tag: 1,
        completions: held
            .iter()
            .map(|one| {
                let mut completion = completion(&one.recipient, outcome);
                completion.retry_after_ms = 1;
                completion
            })
            .collect(),
        derived: derived.collect(),
        ..CompleteRequest::default()
    }
}

/// The variable that repeats a run: the seed that the test has printed.
const SEED: &str = "POSTERN_TESTS_SEED";

fn seed() -> u64 {
    match std::env::var(SEED) {
        Ok(seed) => seed.parse().expect("a seed is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

fn rng(seed: u64) -> TestRng {
    let mut octets = [0; 32];
    octets[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &octets)
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "a failing run names its seed")]
async fn i2_i4_i12_what_is_made_at_an_end_is_made_once_and_shares_the_body() {
    let seed = seed();
    println!("{SEED}={seed}");
    let mut runner = TestRunner::new_with_rng(Config::default(), rng(seed));
    let steps = prop::collection::vec(step(), STEPS);
    for _ in 0..CASES {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let mut world = World::new().await;
        for step in steps {
            world.take(step).await;
        }
        world.check().await;
    }
}
