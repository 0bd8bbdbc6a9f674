//! What mailbox-store answered, turned into what becomes of the recipients.

use std::sync::Arc;

use api::mailbox::v1::DeliveryResult;
use api::mailbox::v1::delivery_result::Status;
use rules::NoUser;

use super::{LocalDelivery, PUT_OFF};
use crate::finish::Finisher;
use crate::work::{Failure, Fate, Work};

/// Ends what has ended, and gives back what is to be delivered to another mailbox.
pub(super) fn settle(
    batch: Vec<LocalDelivery>,
    results: &[DeliveryResult],
    finisher: &Finisher,
) -> Vec<LocalDelivery> {
    let mut again = Vec::new();
    // Recipients of one message stand together, and end together: in one notice, if it is one.
    let mut ended: Vec<_> = Vec::new();
    let mut of: Option<Arc<Work>> = None;
    let results = results.iter().map(Some).chain(std::iter::repeat(None));
    for (delivery, result) in batch.into_iter().zip(results) {
        let status = result.map_or(Status::Unspecified, DeliveryResult::status);
        match next(delivery, status) {
            Next::Again(delivery) => again.push(delivery),
            Next::Ended(delivery, fate) => {
                if let Some(before) = of.take_if(|of| !Arc::ptr_eq(of, &delivery.work)) {
                    finisher.finish(&before, std::mem::take(&mut ended));
                }
                ended.push((delivery.recipient, fate));
                of.get_or_insert(delivery.work);
            }
        }
    }
    if let Some(last) = of {
        finisher.finish(&last, ended);
    }
    again
}

#[derive(Debug)]
enum Next {
    Again(LocalDelivery),
    Ended(LocalDelivery, Fate),
}

fn next(mut delivery: LocalDelivery, status: Status) -> Next {
    let fate = match status {
        // A duplicate has been delivered, by an attempt whose completion was lost (I3).
        Status::Delivered | Status::Duplicate => Fate::Delivered {
            user: delivery.user.to_string(),
        },
        Status::NoSuchUser => {
            let verdict = delivery.otherwise.verdict();
            match std::mem::replace(&mut delivery.otherwise, NoUser::Wait) {
                NoUser::Mailbox(other) => {
                    delivery.user = other;
                    return Next::Again(delivery);
                }
                _ => Fate::Failed(Failure::by_rule(&verdict)),
            }
        }
        Status::OverQuota => Fate::Failed(Failure::temporary("4.2.2", "The mailbox is full.")),
        Status::NoSuchBody => {
            tracing::error!(
                message = delivery.work.message.message_id,
                body = delivery.work.message.body_id,
                "the body of a queued message is missing"
            );
            Fate::Failed(Failure::temporary("4.3.0", "The message is not stored."))
        }
        Status::Unspecified => {
            let failure = Failure::temporary("4.3.0", "The mailbox store gave no result.");
            Fate::Failed(Failure {
                unsettled: true,
                ..failure.retry_in(PUT_OFF)
            })
        }
    };
    Next::Ended(delivery, fate)
}

impl std::fmt::Debug for LocalDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalDelivery")
            .field("recipient", &self.recipient)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
