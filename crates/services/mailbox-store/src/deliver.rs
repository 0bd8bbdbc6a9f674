//! Delivery: queued messages into mailboxes, effectively once (I3), many at a time.
//!
//! Deliveries that arrive while one transaction commits form the next one (group commit).

mod batch;
mod ledger;
mod mailbox_ids;
mod writer;

#[cfg(test)]
mod tests;

use api::mailbox::v1 as proto;
use bytes::Bytes;

pub use ledger::forget_old;
pub use writer::Deliverer;

use crate::values::MailboxName;

/// One message for one recipient.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The queue's id of the recipient, which is the key of the ledger.
    pub recipient_id: i64,
    /// The stored body.
    pub body_id: i64,
    /// The user's address, in lower case.
    pub user: String,
    /// The mailbox. If it does not exist, the mail goes to INBOX instead of being lost.
    pub mailbox: MailboxName,
    /// Header fields before the body's header section.
    pub prefix: Bytes,
    /// Milliseconds since 1970.
    pub received_at: i64,
}

impl From<proto::Delivery> for Delivery {
    fn from(delivery: proto::Delivery) -> Self {
        Self {
            recipient_id: delivery.recipient_id,
            body_id: delivery.body_id,
            user: delivery.user.to_lowercase(),
            mailbox: MailboxName::parse(&delivery.mailbox).unwrap_or_else(|_| MailboxName::inbox()),
            prefix: delivery.prefix,
            received_at: delivery.received_at_ms,
        }
    }
}
