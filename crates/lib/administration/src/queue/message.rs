//! A message in the queue.

use api::queue::v1::{DeliveryOptions, QueuedMessage, QueuedRecipient};
use jiff::Timestamp;
use serde::Serialize;

use crate::time;

/// A message in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its number.
    pub message: i64,
    /// The id given at acceptance by its front end; empty for a derived message.
    pub id: String,
    /// The reverse-path; empty for the null sender.
    pub sender: String,
    /// The Subject field of its header.
    pub subject: String,
    /// In octets.
    pub size: u64,
    /// When it was accepted.
    pub received_at: Option<Timestamp>,
    /// Its origin.
    pub origin: Option<Origin>,
    /// Present while it is in quarantine.
    pub quarantine: Option<Quarantine>,
    /// The end of the holding time.
    pub held_until: Option<Timestamp>,
    /// The delivery time requested by the sender.
    pub deliver_by: Option<DeliverBy>,
    /// -9 to 9; 0 unless the sender requested another.
    pub priority: i32,
    /// The waiting recipients.
    pub recipients: Vec<Recipient>,
}

/// The origin of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The program that submitted it.
    pub component: &'static str,
    /// Address of the client.
    pub peer_address: String,
    /// The client's name in EHLO.
    pub helo: String,
    /// Login of the client.
    pub login: String,
    /// Name of the listener.
    pub listener: String,
    /// The session was under TLS.
    pub tls: bool,
    /// The reason for the trust decision.
    pub trust: String,
    /// The id given at acceptance.
    pub session: String,
}

/// The reason for quarantine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// The rule and its finding.
    pub reason: String,
    /// The time of removal, unless it is released.
    pub until: Option<Timestamp>,
}

/// The delivery time of a message (RFC 2852).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliverBy {
    /// The deadline.
    pub at: Option<Timestamp>,
    /// A late message is returned; otherwise the sender is notified.
    pub or_return: bool,
}

/// A waiting recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The recipient's address.
    pub address: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The time of the next attempt.
    pub due_at: Option<Timestamp>,
    /// An attempt is in progress.
    pub under_way: bool,
    /// The reason for the last failure.
    pub last_reason: String,
}

impl From<QueuedMessage> for Message {
    fn from(message: QueuedMessage) -> Self {
        let options = message.options.unwrap_or_default();
        let origin = message.origin.map(Origin::from);
        Self {
            message: message.message_id,
            id: origin
                .as_ref()
                .map(|origin| origin.session.clone())
                .unwrap_or_default(),
            sender: message.reverse_path,
            subject: message.subject,
            size: message.size,
            received_at: time(message.received_at_ms),
            origin,
            quarantine: message.quarantine.map(|quarantine| Quarantine {
                reason: quarantine.reason,
                until: time(quarantine.until_ms),
            }),
            held_until: time(message.released_at_ms),
            deliver_by: deliver_by(&options),
            priority: options.priority,
            recipients: message
                .recipients
                .into_iter()
                .map(Recipient::from)
                .collect(),
        }
    }
}

fn deliver_by(options: &DeliveryOptions) -> Option<DeliverBy> {
    let by = options.deliver_by.as_ref()?;
    Some(DeliverBy {
        at: time(by.deadline_ms),
        or_return: by.or_return,
    })
}

impl From<api::queue::v1::Origin> for Origin {
    fn from(origin: api::queue::v1::Origin) -> Self {
        Self {
            component: origin.component().name(),
            peer_address: origin.peer_address,
            helo: origin.helo,
            login: origin.login,
            listener: origin.listener,
            tls: origin.tls,
            trust: origin.trust,
            session: origin.session,
        }
    }
}

impl From<QueuedRecipient> for Recipient {
    fn from(recipient: QueuedRecipient) -> Self {
        Self {
            address: recipient.address,
            attempts: recipient.attempts,
            due_at: time(recipient.due_at_ms),
            under_way: recipient.leased,
            last_reason: recipient.last_reason,
        }
    }
}
