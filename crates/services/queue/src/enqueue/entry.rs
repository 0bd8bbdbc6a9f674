//! A submission on its way into the database.

use api::queue::v1::{Accepted, DerivedKind, EnqueueResponse, LeasedMessage, LeasedRecipient};

use crate::answers::Place;
use crate::error::{Error, Result};
use crate::lease::{Credits, HandOut, WorkerHold};
use crate::sql;
use crate::submission::{Body, Prepared};

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
    pub(crate) standing: Standing,
    /// The holders of its recipients, in their order; the rest is not leased. `Some` once its insertion has been
    /// sent to Postgres: whatever the answer was, it may be committed, and a repeated attempt must say the same.
    holders: Option<Vec<WorkerHold>>,
    /// Where whoever submitted it waits for the answer.
    place: Option<Place<EnqueueResponse>>,
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
    Refused(Error),
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
            standing: Standing::Unknown,
            holders: None,
            place: None,
        }
    }

    /// One that somebody waits for.
    pub(crate) fn submitted(id: i64, submission: Prepared, place: Place<EnqueueResponse>) -> Self {
        Self {
            place: Some(place),
            ..Self::new(id, submission)
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

    pub(crate) fn holders(&self) -> &[WorkerHold] {
        self.holders.as_deref().unwrap_or_default()
    }

    pub(super) fn is_new(&self) -> bool {
        matches!(self.standing, Standing::New)
    }

    /// Its insertion has been sent to Postgres.
    pub(super) fn is_attempted(&self) -> bool {
        self.holders.is_some()
    }

    /// Whether it is in the database, once the transaction is committed.
    pub(super) fn is_inserted(&self) -> bool {
        matches!(self.standing, Standing::New | Standing::Committed)
    }

    /// Whether it was to be inserted before and is not any more: its upload, or its place in the
    /// ledger, has been taken, and nobody but an earlier attempt of its own can have done so.
    pub(super) fn has_lost_its_place(&self) -> bool {
        self.is_attempted() && !self.is_inserted()
    }

    /// Decides who will hold its recipients. Credits are spent. What asks for less than the usual
    /// haste does not come before a backlog.
    pub(super) fn assign(&mut self, credits: &mut Credits<'_>, backlog: bool, now: i64) {
        let stands_back = backlog && self.submission.priority() < 0;
        let held = self.submission.quarantine.is_some() || self.submission.hold_until > now;
        let wanted = if held || stands_back {
            0
        } else {
            self.submission.recipients.len()
        };
        let holders = std::iter::from_fn(|| credits.spend()).take(wanted);
        self.holders = Some(holders.collect());
    }

    /// Nothing was committed: the next attempt decides anew.
    pub(super) fn reset(&mut self) {
        self.standing = Standing::Unknown;
        self.holders = None;
    }

    /// Answers whoever submitted it, after the commit. Gives it back if it has been inserted.
    pub(super) fn answer(mut self) -> Option<Self> {
        let id = self.id;
        let accepted = |message_id, duplicate| Accepted {
            message_id,
            duplicate,
        };
        let is_inserted = self.is_inserted();
        let standing = std::mem::replace(&mut self.standing, Standing::Committed);
        let result: Result<Accepted> = match standing {
            Standing::New | Standing::Committed => Ok(accepted(id, false)),
            Standing::Duplicate(known) => Ok(accepted(known, true)),
            Standing::Refused(error) => Err(error),
            Standing::Unknown => Err(Error::Internal("the message was not looked at".to_owned())),
        };
        if let Some(place) = self.place.take() {
            place.answer(result);
        }
        is_inserted.then_some(self)
    }

    /// The place of whoever submitted it, which nothing has come of.
    pub(super) fn into_place(self) -> Option<Place<EnqueueResponse>> {
        self.place
    }

    /// What each worker now holds of it.
    pub(super) fn hand_out(self, received_at: i64, to: &mut HandOut) {
        let size = u64::try_from(self.size()).unwrap_or(0);
        let depth = u32::try_from(self.depth()).unwrap_or(0);
        let submission = self.submission;
        let session = submission.source.session().unwrap_or_default().to_owned();
        let mut holders = self.holders.into_iter().flatten().peekable();
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
                        ..LeasedRecipient::default()
                    });
                }
            }
            let options = submission.options.as_ref();
            let message = submission.flags.on(LeasedMessage {
                message_id: self.id,
                body_id: self.body_id,
                prefix: submission.prefix.clone(),
                size,
                reverse_path: submission.reverse_path.clone(),
                received_at_ms: received_at,
                envelope_id: submission.envelope_id.clone(),
                return_content: i32::from(submission.return_content),
                recipients: held,
                session: session.clone(),
                depth,
                options: options.map(|options| options.asked.clone()),
                released_at_ms: submission.hold_until,
                ..LeasedMessage::default()
            });
            to.add(worker, message);
        }
    }
}
