//! The deliverer, with no mailbox-store.

#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use super::*;
use crate::clock::Clock;
use crate::fixture;

fn delivery(recipient: LeasedRecipient) -> LocalDelivery {
    LocalDelivery {
        work: fixture::work(),
        recipient,
        user: EmailAddress::parse("bob@example.test").unwrap(),
        otherwise: NoUser::Refuse,
        failing_since: None,
        alone: false,
    }
}

#[tokio::test]
async fn a_recipient_that_was_leased_anew_while_it_waited_is_delivered_once() {
    let held = Arc::new(Held::new(10));
    let (_deliveries, inbox) = mpsc::unbounded_channel();
    let finisher = fixture::finisher(Clock::system(), &held);
    let mut deliverer = Deliverer::new(fixture::nowhere(), finisher, Arc::clone(&held), inbox);
    for epoch in [1, 2] {
        let recipient = fixture::recipient(7, epoch);
        held.add(std::slice::from_ref(&recipient));
        deliverer.pending.push(delivery(recipient));
    }
    let (requests, mut sent) = mpsc::channel(CALLS);
    deliverer.send(&requests).await.unwrap();
    assert_eq!(sent.recv().await.unwrap().deliveries.len(), 1);
    let kept: Vec<u32> = deliverer.under_way[&0]
        .iter()
        .map(|delivery| delivery.recipient.epoch)
        .collect();
    assert_eq!(kept, [2]);
}
