//! A worker whose streams break, checked against a simple model of its leases and of those lost in transit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use api::queue::v1::LeasedRecipient;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// A recipient is leased to the worker. It arrives only if the stream is sound.
    HandOver { arrives: bool },
    /// The worker opens another stream and prepares its first renewal.
    Reconnect,
    /// Its renewal reaches the queue.
    Renew,
    /// It reports an outcome.
    End(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|arrives| Step::HandOver { arrives }),
        1 => Just(Step::Reconnect),
        2 => Just(Step::Renew),
        2 => any::<prop::sample::Index>().prop_map(Step::End),
    ]
}

/// The worker, and the state of the queue according to the model.
struct Model {
    workers: Workers,
    id: WorkerId,
    /// Kept open; the steps determine what arrives.
    streams: Vec<mpsc::UnboundedReceiver<Result<LeaseResponse, Status>>>,
    next: i64,
    /// Leases that the worker has.
    has: BTreeSet<Key>,
    /// Leases lost in transit, with their stream.
    lost: Vec<(usize, Key)>,
    /// The leases named by the first renewal on this stream, until it has arrived.
    renewal: Option<Vec<Key>>,
}

impl Model {
    fn new() -> Self {
        let mut model = Self {
            workers: Workers::default(),
            id: WorkerId(0),
            streams: Vec::new(),
            next: 1,
            has: BTreeSet::new(),
            lost: Vec::new(),
            renewal: None,
        };
        model.reconnect();
        model
    }

    fn reconnect(&mut self) {
        let (sender, stream) = mpsc::unbounded_channel();
        let hello = Hello {
            name: "worker",
            instance: "a",
            clock: 0,
        };
        let joined = self.workers.join(hello, sender, 0, 100).unwrap();
        assert_eq!(joined.lost, [], "it is the same worker");
        self.id = joined.id;
        self.streams.push(stream);
        self.renewal = Some(self.has.iter().copied().collect());
    }

    fn hand_over(&mut self, arrives: bool) {
        let key = (self.next, 1);
        self.next += 1;
        let recipient = LeasedRecipient {
            recipient_id: key.0,
            epoch: 1,
            ..LeasedRecipient::default()
        };
        let message = LeasedMessage {
            recipients: vec![recipient],
            ..LeasedMessage::default()
        };
        let back = self.workers.hand_over(self.id, vec![message], 0, 100);
        assert_eq!(back, []);
        if arrives {
            self.has.insert(key);
        } else {
            self.lost.push((self.streams.len(), key));
        }
    }

    /// Exactly the leases lost on earlier streams are released.
    fn renew(&mut self) {
        let stream = self.streams.len();
        let named = self.renewal.take();
        let first = named.is_some();
        // Later renewals name only leases held for a while.
        let mut released = self
            .workers
            .lost_on_the_way(self.id, &named.unwrap_or_default());
        released.sort_unstable();
        let lost = self
            .lost
            .extract_if(.., |(down, _)| first && *down < stream);
        let mut expected: Vec<Key> = lost.map(|(_, key)| key).collect();
        expected.sort_unstable();
        assert_eq!(released, expected);
    }

    fn end(&mut self, pick: prop::sample::Index) {
        let all: Vec<Key> = self.has.iter().copied().collect();
        if !all.is_empty() {
            let key = *pick.get(&all);
            self.has.remove(&key);
            self.workers.ended(&[key]);
        }
    }
}

proptest! {
    #[test]
    fn i4_a_worker_that_comes_back_keeps_all_that_reached_it_and_nothing_else(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::HandOver { arrives } => model.hand_over(arrives),
                Step::Reconnect => model.reconnect(),
                Step::Renew => model.renew(),
                Step::End(pick) => model.end(pick),
            }
        }
        let mut held = model.workers.leave(model.id);
        held.sort_unstable();
        let mut expected: Vec<Key> = model.has.iter().copied().collect();
        expected.extend(model.lost.iter().map(|(_, key)| *key));
        expected.sort_unstable();
        prop_assert_eq!(held, expected);
    }
}
