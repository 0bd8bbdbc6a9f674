//! Deliveries, and the ledger that makes them effectively once (I3).

use std::collections::{BTreeMap, HashMap};

use api::grpc::Status;
use api::mailbox::v1::delivery_result::Status as Delivered;
use api::mailbox::v1::{
    DeliverRequest, DeliverResponse, Delivered as Results, Delivery, DeliveryResult,
    deliver_response,
};
use api::message::v1::{Code, Failure};

use super::Mailboxes;
use super::message::Message;
use super::state::State;

impl Mailboxes {
    /// Handles one batch of deliveries.
    pub(super) fn take(&self, request: DeliverRequest) -> Result<DeliverResponse, Status> {
        let tag = request.tag;
        let result = self.take_deliveries(request.deliveries)?;
        Ok(DeliverResponse {
            tag,
            result: Some(result),
        })
    }

    fn take_deliveries(
        &self,
        deliveries: Vec<Delivery>,
    ) -> Result<deliver_response::Result, Status> {
        let failure = |code: Code, message: &str| {
            deliver_response::Result::Failure(Failure {
                code: code.into(),
                message: message.to_owned(),
            })
        };
        let mut faults = self.faults();
        if faults.break_streams > 0 {
            faults.break_streams -= 1;
            return Err(Status::unavailable("broken on purpose"));
        }
        let lost = faults.lose_answers > 0;
        faults.lose_answers = faults.lose_answers.saturating_sub(1);
        let poison = faults.poison.clone();
        drop(faults);
        self.seen().batches.push(deliveries.len());
        if deliveries
            .iter()
            .any(|one| Some(&one.user) == poison.as_ref())
        {
            return Ok(failure(Code::InvalidArgument, "poison"));
        }
        let results = self.deliver_all(deliveries.clone());
        let new = deliveries.into_iter().zip(&results);
        let new = new.filter(|(_, result)| result.status() == Delivered::Delivered);
        self.seen()
            .delivered
            .extend(new.map(|(delivery, _)| delivery));
        if lost {
            return Ok(failure(Code::Unavailable, "lost on purpose"));
        }
        Ok(deliver_response::Result::Delivered(Results { results }))
    }
}

impl State {
    /// One transaction of deliveries. Also returns the changed mailboxes with their MODSEQs.
    pub(super) fn deliver(
        &mut self,
        deliveries: &[Delivery],
        full: Option<&str>,
    ) -> (Vec<DeliveryResult>, Vec<(i64, u64)>) {
        // A recipient named twice is delivered once; UIDs are ordered by recipient.
        let mut by_recipient: BTreeMap<i64, &Delivery> = BTreeMap::new();
        for delivery in deliveries {
            by_recipient
                .entry(delivery.recipient_id)
                .or_insert(delivery);
        }
        let mut next: BTreeMap<i64, (u32, u64)> = BTreeMap::new();
        let mut outcomes = HashMap::new();
        for (recipient, delivery) in by_recipient {
            let outcome = self.deliver_one(delivery, full, &mut next);
            outcomes.insert(recipient, outcome);
        }
        let mut results = Vec::new();
        for delivery in deliveries {
            let recipient_id = delivery.recipient_id;
            let (status, uid) = outcomes[&recipient_id];
            if status == Delivered::Delivered {
                outcomes.insert(recipient_id, (Delivered::Duplicate, uid));
            }
            results.push(DeliveryResult {
                recipient_id,
                status: status.into(),
                uid,
            });
        }
        let modseq = |id: &i64| Some((*id, self.mailboxes.get(id)?.modseq));
        (results, next.keys().filter_map(modseq).collect())
    }

    /// `next` has the UID and MODSEQ of the next message in each mailbox: a failed delivery leaves a gap.
    fn deliver_one(
        &mut self,
        delivery: &Delivery,
        full: Option<&str>,
        next: &mut BTreeMap<i64, (u32, u64)>,
    ) -> (Delivered, u32) {
        if full == Some(delivery.user.as_str()) {
            return (Delivered::OverQuota, 0);
        }
        let known = self.ledger.get(&delivery.recipient_id).copied();
        let Some(mailbox_id) = self.place(delivery) else {
            let unknown = (Delivered::NoSuchUser, 0);
            return known.map_or(unknown, |uid| (Delivered::Duplicate, uid));
        };
        let Some(mailbox) = self.mailboxes.get_mut(&mailbox_id) else {
            return (Delivered::NoSuchUser, 0);
        };
        let next = next
            .entry(mailbox_id)
            .or_insert((mailbox.uid_next, mailbox.modseq + 1));
        let uid = next.0;
        next.0 += 1;
        if let Some(uid) = known {
            return (Delivered::Duplicate, uid);
        }
        let body = self.bodies.get(&delivery.body_id);
        let Some(body) = body.or(self.any_body.as_ref()) else {
            return (Delivered::NoSuchBody, 0);
        };
        let message = Message::new(&delivery.prefix, body).received(delivery.received_at_ms);
        mailbox.add_as(uid, next.1, message);
        self.ledger.insert(delivery.recipient_id, uid);
        (Delivered::Delivered, uid)
    }

    /// The mailbox named in a delivery, or INBOX.
    fn place(&self, delivery: &Delivery) -> Option<i64> {
        let mut users = self.users.iter();
        let (user_id, _) = users.find(|(_, user)| user.address == delivery.user)?;
        let named = self.id_of(*user_id, &delivery.mailbox);
        named.or_else(|_| self.id_of(*user_id, "INBOX")).ok()
    }
}
