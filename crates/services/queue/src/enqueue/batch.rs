//! Submissions that are committed together: from the first check to the work after the commit.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::{Connection, PgConnection};

use super::entry::{Entry, EntryState};
use super::insert::{columns, is_rare, look_at, quarantined};
use crate::answers;
use crate::engine::Engine;
use crate::error::Error;
use crate::lease::{Credits, HandOut, hand_out};
use crate::{sql, trail};

/// More than the clocks of two replicas can differ, in milliseconds. The search for history starts this much
/// earlier.
const CLOCKS_APART: i64 = 60 * 60 * 1000;

/// Submissions before their commit, with the credits that are spent on them.
#[derive(Debug)]
pub(crate) struct Batch<'e> {
    engine: &'e Arc<Engine>,
    entries: Vec<Entry>,
    /// Taken at the first attempt, and kept for repeated ones.
    credits: Option<Credits<'e>>,
    received_at: i64,
    attempts: usize,
}

/// Submissions after their commit.
#[derive(Debug)]
pub(crate) struct Committed<'e> {
    engine: &'e Arc<Engine>,
    entries: Vec<Entry>,
    credits: Option<Credits<'e>>,
    received_at: i64,
}

impl<'e> Batch<'e> {
    pub(crate) fn of(engine: &'e Arc<Engine>, entries: Vec<Entry>, received_at: i64) -> Self {
        Self {
            engine,
            entries,
            credits: None,
            received_at,
            attempts: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the last attempt was a repeated one.
    pub(super) fn is_repeated(&self) -> bool {
        self.attempts > 1
    }

    /// Commits the batch. It may be repeated, whatever the result of the attempt before.
    ///
    /// The batch is one transaction; it is a single statement if no ledger, no upload and no quarantine is
    /// involved.
    pub(super) async fn attempt(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        self.attempts += 1;
        // The connection may have broken after the commit.
        if self.is_repeated() && self.find_committed(connection).await? {
            return Ok(());
        }
        if self.entries.iter().any(is_rare) {
            let mut transaction = Connection::begin(connection).await?;
            self.insert(&mut transaction).await?;
            transaction.commit().await?;
        } else {
            self.insert(connection).await?;
        }
        if self.is_repeated() && self.entries.iter().any(Entry::is_taken_by_earlier_attempt) {
            // The attempt before was committed while this one waited for locks.
            self.find_committed(connection).await?;
        }
        Ok(())
    }

    /// Checks every entry that is still unchecked, assigns recipients to workers, and inserts the new
    /// entries, within the caller's transaction.
    pub(crate) async fn insert(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let now = self.received_at;
        for entry in &mut self.entries {
            if !matches!(entry.state, EntryState::Committed) {
                look_at(connection, entry, now).await?;
            }
        }
        self.assign();
        let columns = columns(&self.entries, now, now + self.engine.lease_ms);
        if columns.id.is_empty() {
            return Ok(());
        }
        sql::enqueue::insert(connection, &columns, now).await?;
        let quarantined = quarantined(&self.entries, now);
        if !quarantined.message_id.is_empty() {
            sql::quarantine::hold(connection, &quarantined, now).await?;
        }
        Ok(())
    }

    /// Assigns the recipients of new entries to workers. A repeated attempt keeps the assignment of the first
    /// one, which may be committed.
    fn assign(&mut self) {
        let Self {
            engine,
            entries,
            credits,
            received_at,
            ..
        } = self;
        let backlog = engine.due.has_backlog();
        let credits = credits.get_or_insert_with(|| {
            let wanted = entries.iter().filter(|entry| entry.is_new());
            let wanted = wanted.map(|entry| entry.submission.recipients.len()).sum();
            // While older mail waits for credits, fresh mail takes only half of them.
            engine.workers.take_credits(wanted, backlog)
        });
        let undecided = |entry: &&mut Entry| entry.is_new() && !entry.is_attempted();
        let mut new: Vec<&mut Entry> = entries.iter_mut().filter(undecided).collect();
        // Credits may not suffice for all: entries of higher priority come first.
        new.sort_by_key(|entry| Reverse(entry.submission.priority()));
        for entry in new {
            entry.assign(credits, backlog, *received_at);
        }
    }

    /// Whether an earlier attempt was committed. If so, marks its entries.
    async fn find_committed(&mut self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let ids: Vec<i64> = self.entries.iter().map(|entry| entry.id).collect();
        let since = self.received_at - CLOCKS_APART;
        let committed = sql::enqueue::committed(connection, &ids, since).await?;
        let (mut any, mut all) = (false, true);
        for entry in self.entries.iter_mut().filter(|one| one.is_attempted()) {
            if committed.contains(&entry.id) {
                entry.state = EntryState::Committed;
                any = true;
            } else {
                all = false;
            }
        }
        if any && !all {
            // Impossible, since they were one transaction. No 250 is given for a message that is not stored.
            return Err(sqlx::Error::Protocol(
                "a part of a transaction is committed".to_owned(),
            ));
        }
        Ok(any)
    }

    /// The reason why an entry cannot be accepted, if there is one.
    pub(crate) fn take_refusal(&mut self) -> Option<Error> {
        let is_refused = |entry: &&mut Entry| matches!(entry.state, EntryState::Refused(_));
        let refused = self.entries.iter_mut().find(is_refused)?;
        match std::mem::replace(&mut refused.state, EntryState::Unknown) {
            EntryState::Refused(error) => Some(error),
            _ => None,
        }
    }

    /// The two halves of a batch that was not committed. They are assigned anew: the credits have been
    /// returned.
    pub(super) fn halves(self) -> [Vec<Entry>; 2] {
        let mut entries = self.entries;
        entries.iter_mut().for_each(Entry::reset);
        let rest = entries.split_off(entries.len() / 2);
        [entries, rest]
    }

    /// Refuses all entries. Nothing was committed, and nothing will be.
    pub(super) fn refuse(self, error: Error) {
        answers::refuse(self.entries.into_iter().filter_map(Entry::into_slot), error);
    }

    /// The transaction has been committed.
    pub(crate) fn committed(self) -> Committed<'e> {
        let inserted = self.entries.iter().filter(|entry| entry.is_inserted());
        let inserted = inserted.count() as u64;
        self.engine.enqueued.fetch_add(inserted, Ordering::Relaxed);
        Committed {
            engine: self.engine,
            entries: self.entries,
            credits: self.credits,
            received_at: self.received_at,
        }
    }
}

impl Committed<'_> {
    /// Answers all submitters. Only inserted entries remain in the batch.
    pub(super) fn answer(&mut self) {
        let entries = std::mem::take(&mut self.entries).into_iter();
        self.entries = entries.filter_map(Entry::answer).collect();
        let accepted = self.entries.len() as u64;
        metrics::counter!("postern_queue_enqueued_total").increment(accepted);
    }

    /// Hands over the recipients that were inserted as leased, and tells the scan of the others.
    pub(crate) fn hand_out(mut self) {
        let mut messages = HandOut::default();
        let mut handed = 0;
        let mut is_left = false;
        for entry in std::mem::take(&mut self.entries) {
            if !entry.is_inserted() {
                continue;
            }
            let about = entry.made.map(|made| made.parent_id);
            trail::accepted(entry.id, entry.size(), about, &entry.submission);
            handed += entry.holders().len() as u64;
            if let Some(credits) = &mut self.credits {
                entry
                    .holders()
                    .iter()
                    .for_each(|(worker, _)| credits.handed(*worker, 1));
            }
            is_left |= self.leaves_due(&entry);
            entry.hand_out(self.received_at, &mut messages);
        }
        if handed > 0 {
            metrics::counter!("postern_queue_leased_total", "way" => "hand-over").increment(handed);
            let until = self.received_at + self.engine.lease_ms;
            hand_out(self.engine, messages, until);
        }
        if is_left {
            self.engine.due.left_now();
        }
    }

    /// Whether some of its recipients are due now and wait for the scan. If they are due later, the scan is
    /// given the time.
    fn leaves_due(&self, entry: &Entry) -> bool {
        let submission = &entry.submission;
        let all_leased = entry.holders().len() >= submission.recipients.len();
        if submission.quarantine.is_some() || all_leased {
            return false;
        }
        let due = submission.first_due(self.received_at);
        if due > self.received_at {
            self.engine.due.at(due);
        }
        due <= self.received_at
    }
}
