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
    /// The id with which its front end accepted it; empty for what was made of another.
    pub id: String,
    /// The reverse-path; empty for the null sender.
    pub sender: String,
    /// As its header has it.
    pub subject: String,
    /// In octets.
    pub size: u64,
    /// When it was accepted.
    pub received_at: Option<Timestamp>,
    /// Where it came from.
    pub origin: Option<Origin>,
    /// While it is in quarantine.
    pub quarantine: Option<Quarantine>,
    /// Until when it is held.
    pub held_until: Option<Timestamp>,
    /// By when its sender wants it delivered.
    pub deliver_by: Option<DeliverBy>,
    /// -9 to 9; 0 unless its sender asked for another.
    pub priority: i32,
    /// Who still waits for it.
    pub recipients: Vec<Recipient>,
}

/// Where a message came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Which program submitted it.
    pub component: &'static str,
    /// Address of the client.
    pub peer_address: String,
    /// What the client said in EHLO.
    pub helo: String,
    /// Login of the client.
    pub login: String,
    /// Name of the listener.
    pub listener: String,
    /// The session was under TLS.
    pub tls: bool,
    /// Why the session was trusted or not.
    pub trust: String,
    /// The id with which the message was accepted.
    pub session: String,
}

/// Why a message is in quarantine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// The rule, and what it found.
    pub reason: String,
    /// It is removed then, unless it is released.
    pub until: Option<Timestamp>,
}

/// By when a message is to be delivered (RFC 2852).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliverBy {
    /// The deadline.
    pub at: Option<Timestamp>,
    /// Then it is returned; otherwise its sender is told.
    pub or_return: bool,
}

/// A recipient who waits for a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The recipient's address.
    pub address: String,
    /// How often delivery was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Option<Timestamp>,
    /// It is tried now.
    pub under_way: bool,
    /// Why the last attempt failed.
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
