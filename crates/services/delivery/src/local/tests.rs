//! The deliverer without a mailbox-store.

#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use api::queue::v1::LeasedMessage;
use api::queue_clock::QueueClock;
use rules::{EmailAddress, NoUser};

use super::*;
use crate::fixture;
use crate::leases::{Lease, Leases};
use crate::work::Work;

fn delivery(lease: Lease) -> LocalDelivery {
    let bob = EmailAddress::parse("bob@example.test").unwrap();
    LocalDelivery::new(&fixture::work(), lease, bob, NoUser::Refuse)
}

fn deliverer() -> Deliverer {
    let (_, inbox) = mpsc::unbounded_channel();
    let finisher = fixture::finisher(QueueClock::system());
    Deliverer::new(fixture::nowhere(), 0, finisher, inbox)
}

#[tokio::test]
async fn a_recipient_that_was_leased_anew_while_it_waited_is_delivered_once() {
    let leases = Leases::new(10);
    let mut deliverer = deliverer();
    for epoch in [1, 2] {
        let lease = fixture::lease(&leases, 7, epoch);
        deliverer.pending.push(delivery(lease));
    }
    deliverer.send();
    let sent = deliverer.calls.abandon();
    let sent = sent.iter().flatten();
    let sent: Vec<u32> = sent.map(|one| one.lease.recipient().epoch).collect();
    assert_eq!(sent, [2]);
}

#[tokio::test]
async fn what_was_sent_may_have_been_delivered_and_so_what_was_handed_out_before() {
    let leases = Leases::new(10);
    let mut deliverer = deliverer();
    let [first, again] =
        [(7, 1), (8, 2)].map(|(id, epoch)| delivery(fixture::lease(&leases, id, epoch)));
    assert!(!first.may_have_happened());
    assert!(again.may_have_happened());
    deliverer.pending.push(first);
    deliverer.send();
    assert!(deliverer.calls.abandon()[0][0].may_have_happened());
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_what_was_at_hand_to_be_leased_anew_and_delivery_goes_on() {
    let leases = Leases::new(10);
    let (clock, mut asked) = fixture::panicking_clock();
    let finisher = fixture::finisher(clock);
    let local = Local::start(fixture::nowhere(), finisher);
    // Without a mailbox-store each delivery is deferred at the end of its retries.
    for times in 1..=2 {
        local.deliver(vec![delivery(fixture::lease(&leases, 7, times))]);
        asked
            .wait_for(|asked| *asked == times as usize)
            .await
            .unwrap();
        if times == 1 {
            leases.idle().await;
        }
    }
}

#[test]
fn a_batch_has_so_many_deliveries_and_so_many_octets() {
    let leases = Leases::new(10);
    let with = |prefix: usize| {
        let mut one = delivery(fixture::lease(&leases, 7, 1));
        let work = Work {
            message: LeasedMessage {
                prefix: vec![b'x'; prefix].into(),
                ..LeasedMessage::default()
            },
            ..Arc::into_inner(fixture::work()).unwrap()
        };
        one.work = Arc::new(work);
        one
    };
    let many = |count: usize, prefix| (0..count).map(|_| with(prefix)).collect::<Vec<_>>();
    assert_eq!(batch_length(&many(BATCH + 1, 300)), BATCH);
    assert_eq!(batch_length(&many(10, PREFIXES / 4)), 4);
    assert_eq!(batch_length(&many(2, PREFIXES + 1)), 1);
    let mut alone = many(3, 300);
    alone[1].progress = Progress::Alone;
    assert_eq!(batch_length(&alone), 1);
    assert_eq!(batch_length(&alone[1..]), 1);
}
