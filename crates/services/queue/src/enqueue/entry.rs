//! A submission on its way into the database.

use std::sync::Arc;

use api::grpc::Status;
use api::queue::v1::{Accepted, DerivedKind, LeasedMessage, LeasedRecipient};

use crate::engine::Engine;
use crate::lease::{Credits, HandOut, WorkerHold, hand_out};
use crate::sql;
use crate::submission::{Body, Prepared};
use crate::trail;

/// A submission with the ids it will have and the workers that will hold its recipients.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    /// Its own number for a body that comes with it, unless its text was uploaded.
    pub(crate) body_id: i64,
    /// Octets of the body; of a stored one, once it has been looked at.
    pub(crate) body_size: i64,
    pub(crate) submission: Prepared,
    /// How it was made of another message, if it was.
    pub(crate) made: Option<Made>,
    /// By recipient; decided once, since a repeated attempt must say the same. Shorter than the
    /// recipients: the rest is not leased.
    pub(crate) holders: Vec<WorkerHold>,
    pub(crate) standing: Standing,
    /// Its insertion has been sent to Postgres: whatever the answer was, it may be committed.
    pub(crate) attempted: bool,
}

/// A message is made of another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) parent_id: i64,
    pub(crate) kind: DerivedKind,
    /// How many messages were made of each other before it.
    pub(crate) depth: i16,
}

/// What is known of an entry before the commit.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Not looked at.
    Unknown,
    /// To be inserted.
    New,
    /// An earlier attempt was committed although its connection broke.
    Committed,
    /// The ledger knew it, as that message.
    Duplicate(i64),
    /// It cannot be taken.
    Refused(Status),
}

impl Entry {
    pub(crate) fn new(id: i64, submission: Prepared) -> Self {
        let (body_id, body_size) = match &submission.body {
            Body::New(body) => (body.upload.map_or(id, |text| text.id), body.size()),
            Body::Stored(body_id) => (*body_id, 0),
        };
        Self {
            id,
            body_id,
            body_size,
            submission,
            made: None,
            holders: Vec::new(),
            standing: Standing::Unknown,
            attempted: false,
        }
    }

    /// One that is made of another message.
    pub(crate) fn made(id: i64, submission: Prepared, made: Made) -> Self {
        Self {
            made: Some(made),
            ..Self::new(id, submission)
        }
    }

    /// How many messages were made of each other before it.
    pub(crate) fn depth(&self) -> i16 {
        self.made.map_or(0, |made| made.depth)
    }

    /// Octets of prefix, header and text.
    pub(crate) fn size(&self) -> i64 {
        let prefix = self.submission.prefix.len() as i64;
        self.body_size.saturating_add(prefix)
    }

    /// Whether it is in the database, once the transaction is committed.
    pub(crate) fn is_inserted(&self) -> bool {
        matches!(self.standing, Standing::New | Standing::Committed)
    }

    /// Whether it was to be inserted before and is not any more: its upload, or its place in the
    /// ledger, has been taken, and nobody but an earlier attempt of its own can have done so.
    pub(crate) fn has_lost_its_place(&self) -> bool {
        self.attempted && !self.is_inserted()
    }

    /// Why it cannot be taken, if so.
    pub(crate) fn refusal(&self) -> Option<&Status> {
        match &self.standing {
            Standing::Refused(status) => Some(status),
            _ => None,
        }
    }

    /// Decides who will hold its recipients. Credits are spent. What asks for less than the usual
    /// haste does not come before a backlog.
    pub(crate) fn assign(&mut self, credits: &mut Credits<'_>, backlog: bool, now: i64) {
        let stands_back = backlog && self.submission.priority() < 0;
        let held = self.submission.quarantine.is_some() || self.submission.hold_until > now;
        if held || stands_back {
            return;
        }
        while self.holders.len() < self.submission.recipients.len() {
            match credits.spend() {
                Some(holder) => self.holders.push(holder),
                None => return,
            }
        }
    }

    /// The answer to whoever submitted it.
    pub(crate) fn answer(&self) -> Result<Accepted, Status> {
        match &self.standing {
            Standing::New | Standing::Committed => Ok(Accepted {
                message_id: self.id,
                duplicate: false,
            }),
            Standing::Duplicate(message_id) => Ok(Accepted {
                message_id: *message_id,
                duplicate: true,
            }),
            Standing::Refused(status) => Err(status.clone()),
            Standing::Unknown => Err(Status::internal("the message was not looked at")),
        }
    }

    /// What each worker now holds of it.
    fn hand_out(self, received_at: i64, to: &mut HandOut) {
        let size = u64::try_from(self.size()).unwrap_or(0);
        let depth = u32::try_from(self.depth()).unwrap_or(0);
        let submission = self.submission;
        let session = submission.source.session().unwrap_or_default().to_owned();
        let mut holders = self.holders.into_iter().peekable();
        let mut recipients = submission.recipients.into_iter().enumerate();
        while let Some((worker, _)) = holders.peek().cloned() {
            let mut held = Vec::new();
            while holders.next_if(|(next, _)| *next == worker).is_some() {
                if let Some((n, recipient)) = recipients.next() {
                    held.push(LeasedRecipient {
                        recipient_id: sql::recipient_id(self.id, n),
                        epoch: 1,
                        address: recipient.address,
                        original_recipient: recipient.original_recipient,
                        notify: recipient.notify,
                        attempts: 0,
                        delay_notified: false,
                        retry_asked_at_ms: 0,
                    });
                }
            }
            let message = LeasedMessage {
                message_id: self.id,
                body_id: self.body_id,
                prefix: submission.prefix.clone(),
                size,
                reverse_path: submission.reverse_path.clone(),
                received_at_ms: received_at,
                eight_bit: submission.flags & 1 != 0,
                smtputf8: submission.flags & 2 != 0,
                binary: submission.flags & 4 != 0,
                require_tls: submission.flags & 8 != 0,
                junk: submission.flags & 16 != 0,
                collected: submission.flags & 32 != 0,
                envelope_id: submission.envelope_id.clone(),
                return_content: i32::from(submission.return_content),
                recipients: held,
                session: session.clone(),
                depth,
                options: submission
                    .options
                    .as_ref()
                    .map(|options| options.asked.clone()),
                released_at_ms: submission.hold_until,
            };
            to.add(worker, message);
        }
    }
}

/// Behind the commit: hands over what was inserted as leased, and tells the scan of the rest.
pub(crate) fn announce(
    engine: &Arc<Engine>,
    entries: Vec<Entry>,
    mut credits: Option<Credits<'_>>,
    received_at: i64,
) {
    let mut messages = HandOut::default();
    let mut handed = 0;
    let mut left = false;
    for entry in entries {
        if !entry.is_inserted() {
            continue;
        }
        let about = entry.made.map(|made| made.parent_id);
        trail::accepted(entry.id, entry.size(), about, &entry.submission);
        handed += entry.holders.len() as u64;
        for (worker, _) in &entry.holders {
            if let Some(credits) = &mut credits {
                credits.handed(*worker, 1);
            }
        }
        if entry.submission.quarantine.is_some() {
            continue;
        }
        if entry.holders.len() < entry.submission.recipients.len() {
            match entry.submission.first_due(received_at) {
                due if due > received_at => engine.due.at(due),
                _ => left = true,
            }
        }
        entry.hand_out(received_at, &mut messages);
    }
    if handed > 0 {
        metrics::counter!("postern_queue_leased_total", "way" => "hand-over").increment(handed);
        hand_out(engine, messages, received_at + engine.lease_ms);
    }
    if left {
        engine.due.left_now();
    }
}
