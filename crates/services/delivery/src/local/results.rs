//! Conversion of mailbox-store's answers to fates of recipients.

use std::sync::Arc;

use api::mailbox::v1::DeliveryResult;
use api::mailbox::v1::delivery_result::Status;
use rules::NoUser;

use super::delivery::{LocalDelivery, PUT_OFF};
use crate::collected;
use crate::derive;
use crate::fate::{Failure, Fate};
use crate::finish::Finisher;
use crate::leases::Lease;
use crate::work::Work;

/// Ends recipients by the answers; returns deliveries that go to another mailbox instead.
pub(super) fn settle(
    batch: Vec<LocalDelivery>,
    results: &[DeliveryResult],
    finisher: &Finisher,
) -> Vec<LocalDelivery> {
    let mut again = Vec::new();
    // Recipients of one message are adjacent and end together: with one notice, if there is one.
    let mut ended: Vec<_> = Vec::new();
    let mut of: Option<Arc<Work>> = None;
    let results = results.iter().map(Some).chain(std::iter::repeat(None));
    for (delivery, result) in batch.into_iter().zip(results) {
        let status = result.map_or(Status::Unspecified, DeliveryResult::status);
        let work = Arc::clone(&delivery.work);
        let end = match next(delivery, status, finisher.clock.now_ms()) {
            Next::Again(delivery) => {
                again.push(delivery);
                continue;
            }
            Next::Ended(lease, fate) => (lease, fate),
        };
        if let Some(before) = of.take_if(|of| !Arc::ptr_eq(of, &work)) {
            finisher.finish(&before, std::mem::take(&mut ended));
        }
        ended.push(end);
        of.get_or_insert(work);
    }
    if let Some(last) = of {
        finisher.finish(&last, ended);
    }
    again
}

#[derive(Debug)]
enum Next {
    Again(LocalDelivery),
    Ended(Lease, Fate),
}

fn next(mut delivery: LocalDelivery, status: Status, now_ms: i64) -> Next {
    let fate = match status {
        // A duplicate was delivered by an attempt whose completion was lost (I3).
        Status::Delivered | Status::Duplicate => Fate::Delivered {
            user: delivery.user.to_string(),
        },
        Status::NoSuchUser => {
            let (verdict, plan) = (delivery.otherwise.verdict(), delivery.otherwise.plan());
            match std::mem::replace(&mut delivery.otherwise, NoUser::Wait) {
                NoUser::Mailbox(other) => {
                    delivery.user = other;
                    return Next::Again(delivery);
                }
                _ if let Some(plan) = plan => match delivery.work.too_late(now_ms) {
                    Some(failure) => Fate::Failed(failure),
                    None => derive::forwarded(&delivery.work, plan.end.rule(), plan.also),
                },
                _ if delivery.work.message.collected => {
                    if let Some(other) = collected::instead_of(&delivery.work, &delivery.user) {
                        delivery.user = other;
                        return Next::Again(delivery);
                    }
                    Fate::Failed(Failure::by_rule(&NoUser::Wait.verdict()))
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
    Next::Ended(delivery.lease, fate)
}
