//! Delivery: queued messages into mailboxes, effectively once (I3), many at a time.
//!
//! All deliveries that arrive while one transaction commits make up the next one (group commit).

mod batch;
mod ledger;
mod places;
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
    /// The queue's recipient: the key of the ledger.
    pub recipient_id: i64,
    /// The stored body.
    pub body_id: i64,
    /// The user's address, in lower case.
    pub user: String,
    /// INBOX, too, when the mailbox does not exist: mail is not lost over a name.
    pub mailbox: MailboxName,
    /// What stands before the body's header.
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
