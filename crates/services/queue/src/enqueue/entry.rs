//! A submission before and after its insertion.

use api::queue::v1::{Accepted, DerivedKind, EnqueueResponse, LeasedMessage, LeasedRecipient};

use crate::answers::Slot;
use crate::error::{Error, Result};
use crate::lease::{Credits, HandOut, WorkerHold};
use crate::sql;
use crate::submission::{Body, Prepared};

/// A submission with its ids and the workers that will hold its recipients.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    /// The message's own id for a body that comes with it, unless its text was uploaded.
    pub(crate) body_id: i64,
    /// Octets of the body. For a stored body it is known after the check.
    pub(crate) body_size: i64,
    pub(crate) submission: Prepared,
    /// The derivation, for a derived message.
    pub(crate) made: Option<Made>,
    pub(crate) state: EntryState,
    /// The holders of its recipients, in order; the other recipients are not leased. `Some` as soon as the
    /// insertion has been sent to Postgres. It may then be committed whatever the answer, so a repeated
    /// attempt must use the same holders.
    holders: Option<Vec<WorkerHold>>,
    /// The slot for the submitter's answer.
    slot: Option<Slot<EnqueueResponse>>,
}

/// The derivation of a message from another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) parent_id: i64,
    pub(crate) kind: DerivedKind,
    /// Number of derivations between the first message and its parent.
    pub(crate) depth: i16,
}

/// State of an entry before the commit.
#[derive(Debug)]
pub(crate) enum EntryState {
    /// Not checked yet.
    Unknown,
    /// To be inserted.
    New,
    /// An earlier attempt was committed although its connection broke.
    Committed,
    /// The ledger already has it, as this message.
    Duplicate(i64),
    /// It cannot be accepted.
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
            state: EntryState::Unknown,
            holders: None,
            slot: None,
        }
    }

    /// An entry whose submitter waits for an answer.
    pub(crate) fn submitted(id: i64, submission: Prepared, slot: Slot<EnqueueResponse>) -> Self {
        Self {
            slot: Some(slot),
            ..Self::new(id, submission)
        }
    }

    /// An entry for a derived message.
    pub(crate) fn made(id: i64, submission: Prepared, made: Made) -> Self {
        Self {
            made: Some(made),
            ..Self::new(id, submission)
        }
    }

    /// Its derivation depth; 0 for a submitted message.
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
        matches!(self.state, EntryState::New)
    }

    /// Whether its insertion has been sent to Postgres.
    pub(super) fn is_attempted(&self) -> bool {
        self.holders.is_some()
    }

    /// Whether it is stored once the transaction is committed.
    pub(super) fn is_inserted(&self) -> bool {
        matches!(self.state, EntryState::New | EntryState::Committed)
    }

    /// Whether it was to be inserted before and now is not: its upload or its line in the ledger is taken.
    /// Only an earlier attempt of this entry can have done that.
    pub(super) fn is_taken_by_earlier_attempt(&self) -> bool {
        self.is_attempted() && !self.is_inserted()
    }

    /// Assigns its recipients to workers and spends credits. A message of low priority does not overtake a
    /// backlog.
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

    /// Resets the entry after an attempt that was not committed. The next attempt assigns it anew.
    pub(super) fn reset(&mut self) {
        self.state = EntryState::Unknown;
        self.holders = None;
    }

    /// Answers the submitter after the commit. Returns the entry if it has been inserted.
    pub(super) fn answer(mut self) -> Option<Self> {
        let id = self.id;
        let accepted = |message_id, duplicate| Accepted {
            message_id,
            duplicate,
        };
        let is_inserted = self.is_inserted();
        let state = std::mem::replace(&mut self.state, EntryState::Committed);
        let result: Result<Accepted> = match state {
            EntryState::New | EntryState::Committed => Ok(accepted(id, false)),
            EntryState::Duplicate(known) => Ok(accepted(known, true)),
            EntryState::Refused(error) => Err(error),
            EntryState::Unknown => Err(Error::Internal("the message was not checked".to_owned())),
        };
        if let Some(slot) = self.slot.take() {
            slot.answer(result);
        }
        is_inserted.then_some(self)
    }

    /// The submitter's slot, of an entry that was not inserted.
    pub(super) fn into_slot(self) -> Option<Slot<EnqueueResponse>> {
        self.slot
    }

    /// Adds its leased recipients to the hand-over of their workers.
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
