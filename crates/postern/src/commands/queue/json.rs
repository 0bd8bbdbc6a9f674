//! Messages and their history in JSON.

use api::queue::v1::{Derivation, HistoryEvent, QueuedMessage, ShowMessageResponse};
use serde::Serialize;

use super::{kind, outcome};
use crate::screen::utc;

/// A message as shown in JSON.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Message<'a> {
    message: i64,
    /// The id with which its front end accepted it.
    id: &'a str,
    sender: &'a str,
    subject: &'a str,
    size: u64,
    received_at: Option<String>,
    origin: Option<Origin<'a>>,
    /// While it is in quarantine.
    quarantine: Option<Quarantine<'a>>,
    held_until: Option<String>,
    deliver_by: Option<DeliverBy>,
    priority: i32,
    recipients: Vec<Recipient<'a>>,
}

#[derive(Debug, Serialize)]
struct Origin<'a> {
    component: &'a str,
    peer_address: &'a str,
    helo: &'a str,
    login: &'a str,
    listener: &'a str,
    tls: bool,
    trust: &'a str,
    session: &'a str,
}

#[derive(Debug, Serialize)]
struct Quarantine<'a> {
    reason: &'a str,
    until: Option<String>,
}

#[derive(Debug, Serialize)]
struct DeliverBy {
    at: Option<String>,
    /// Otherwise the sender is told.
    or_return: bool,
}

#[derive(Debug, Serialize)]
struct Recipient<'a> {
    address: &'a str,
    attempts: u32,
    due_at: Option<String>,
    under_way: bool,
    last_reason: &'a str,
}

impl<'a> From<&'a QueuedMessage> for Message<'a> {
    fn from(message: &'a QueuedMessage) -> Self {
        let recipients = message.recipients.iter().map(|recipient| Recipient {
            address: &recipient.address,
            attempts: recipient.attempts,
            due_at: utc(recipient.due_at_ms),
            under_way: recipient.leased,
            last_reason: &recipient.last_reason,
        });
        let options = message.options.as_ref();
        Self {
            message: message.message_id,
            id: id(message),
            sender: &message.reverse_path,
            subject: &message.subject,
            size: message.size,
            received_at: utc(message.received_at_ms),
            origin: message.origin.as_ref().map(|origin| Origin {
                component: origin.component().name(),
                peer_address: &origin.peer_address,
                helo: &origin.helo,
                login: &origin.login,
                listener: &origin.listener,
                tls: origin.tls,
                trust: &origin.trust,
                session: &origin.session,
            }),
            quarantine: message.quarantine.as_ref().map(|quarantine| Quarantine {
                reason: &quarantine.reason,
                until: utc(quarantine.until_ms),
            }),
            held_until: utc(message.released_at_ms),
            deliver_by: options.and_then(|asked| {
                let by = asked.deliver_by.as_ref()?;
                Some(DeliverBy {
                    at: utc(by.deadline_ms),
                    or_return: by.or_return,
                })
            }),
            priority: options.map_or(0, |asked| asked.priority),
            recipients: recipients.collect(),
        }
    }
}

/// The id with which a message was accepted; empty for what was made of another.
pub(super) fn id(message: &QueuedMessage) -> &str {
    message.origin.as_ref().map_or("", |origin| &origin.session)
}

/// A message and its history as shown in JSON.
#[derive(Debug, Serialize)]
pub(super) struct Story<'a> {
    message: i64,
    waiting: Option<Message<'a>>,
    /// How it was made of another message.
    parent: Option<Parent>,
    /// What was made of it.
    children: Vec<Child>,
    history: Vec<Event<'a>>,
}

#[derive(Debug, Serialize)]
struct Parent {
    message: i64,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct Child {
    at: Option<String>,
    message: i64,
    kind: &'static str,
}

/// A line of the history.
#[derive(Debug, Serialize)]
pub(super) struct Event<'a> {
    at: Option<String>,
    message: i64,
    id: &'a str,
    sender: &'a str,
    recipient: &'a str,
    outcome: &'static str,
    reason: &'a str,
    server: &'a str,
    reply: &'a str,
    policy_revision: u64,
    worker: &'a str,
}

impl<'a> Story<'a> {
    pub(super) fn new(message: i64, shown: &'a ShowMessageResponse) -> Self {
        Self {
            message,
            waiting: shown.message.as_ref().map(Message::from),
            parent: shown.parent.as_ref().map(|tie| Parent {
                message: tie.parent_id,
                kind: kind(tie.kind()),
            }),
            children: shown.children.iter().map(Child::from).collect(),
            history: shown.history.iter().map(Event::from).collect(),
        }
    }
}

impl From<&Derivation> for Child {
    fn from(tie: &Derivation) -> Self {
        Self {
            at: utc(tie.at_ms),
            message: tie.message_id,
            kind: kind(tie.kind()),
        }
    }
}

impl<'a> From<&'a HistoryEvent> for Event<'a> {
    fn from(event: &'a HistoryEvent) -> Self {
        Self {
            at: utc(event.at_ms),
            message: message_of(event),
            id: &event.session,
            sender: &event.reverse_path,
            recipient: &event.address,
            outcome: outcome(event.outcome()),
            reason: &event.reason,
            server: &event.server,
            reply: &event.reply,
            policy_revision: event.policy_revision,
            worker: &event.worker,
        }
    }
}

/// The number of the message whose recipient it is of.
pub(super) fn message_of(event: &HistoryEvent) -> i64 {
    event.recipient_id >> 14
}
