//! The messages of a session, one after the other.

use api::collection::v1::CollectedMessage;
use rules::LeaveOnServer;

use super::names::{Ledger, ListedMessage};
use super::{Left, Poll, PollError, Turn, Verdict};
use crate::remote::Remote;

/// The state of a message.
#[derive(Debug)]
pub(super) enum MessageState {
    /// The queue has it.
    Committed,
    /// The queue has it, by this ledger entry under another name.
    Renamed(CollectedMessage),
    /// It stays on the server.
    Left,
}

impl Poll<'_> {
    pub(super) async fn messages(
        &mut self,
        remote: &mut Remote,
        listing: &[ListedMessage],
        ledger: &Ledger,
        turn: Turn,
    ) -> Result<(), PollError> {
        for listed in listing {
            if self.is_over() {
                self.polled.more = true;
                return Ok(());
            }
            if !self.is_turn(listed, turn) {
                self.polled.left += u32::from(turn == Turn::Together);
                continue;
            }
            let known = ledger.get(&listed.name).map_or(&[][..], Vec::as_slice);
            let is_due = match self.message(remote, listed, known, turn).await {
                Ok(is_due) => is_due,
                Err(error) => {
                    if error.ends_session() {
                        self.fail(listed, &error.to_string());
                    }
                    return Err(error);
                }
            };
            let verdict = if is_due {
                self.delete(remote, listed).await?
            } else {
                Verdict::Left
            };
            match (verdict, turn) {
                (Verdict::Left, Turn::Together) => self.polled.left += 1,
                // It was counted before its turn.
                (Verdict::Deleted, Turn::Alone) => {
                    self.polled.left = self.polled.left.saturating_sub(1);
                }
                _ => {}
            }
        }
        self.end_of_refusals(turn)
    }

    /// Records messages that the server refused at the end of its messages. If the server sent none, or no
    /// more in this session, the fault is not with each of them: otherwise an outage of an hour would set
    /// them all aside.
    fn end_of_refusals(&mut self, turn: Turn) -> Result<(), PollError> {
        match &self.refused_retr[..] {
            [] => {}
            [(_, reason), ..] if turn == Turn::Together && !self.gave => {
                return Err(PollError::GivesNone(reason.clone()));
            }
            [_, _, ..] if turn == Turn::Together => {}
            _ => self.blame_refused(),
        }
        Ok(())
    }

    /// Records that the refused messages could not be read.
    pub(super) fn blame_refused(&mut self) {
        for (listed, reason) in std::mem::take(&mut self.refused_retr) {
            self.fail(&listed, &reason);
        }
    }

    /// Whether a message is read in the session for this turn.
    pub(super) fn is_turn(&self, listed: &ListedMessage, turn: Turn) -> bool {
        self.uncollected.turn(&listed.name, self.now_ms()) == turn
    }

    /// Records which message is about to be read, so that it is known if the session or this process ends
    /// there.
    pub(super) async fn note(&mut self, listed: &ListedMessage) -> Result<(), PollError> {
        let size = listed.size.unwrap_or(0);
        let name = self.uncollected.name(&listed.name).to_owned();
        let reading = Some((name.clone(), size));
        if self.memory.reading != reading {
            let account = &self.account.name;
            self.services.note(account, &name, size).await?;
            self.memory.reading = reading;
        }
        Ok(())
    }

    /// Records that a message could not be read.
    pub(super) fn fail(&mut self, listed: &ListedMessage, reason: &str) {
        let left = Left {
            name: &listed.name,
            size: listed.size.unwrap_or(0),
            subject: "",
            reason,
        };
        let tries = self.uncollected.failed(left, self.now_ms());
        self.memory.reading = None;
        tracing::warn!(
            account = %self.account.name, uidl = %listed.name, tries, reason,
            "a message could not be read"
        );
    }

    /// Sends DELE. A collected message that ends each session must not delay the messages after it.
    async fn delete(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
    ) -> Result<Verdict, PollError> {
        match remote.delete(listed.number).await {
            Ok(Ok(())) => {
                self.deleted.push(listed.clone());
                Ok(Verdict::Deleted)
            }
            Ok(Err(reason)) => {
                self.not_deleted(listed, &reason);
                Ok(Verdict::Left)
            }
            Err(error) => {
                let reason = format!("it was collected, and could not be deleted: {error}");
                self.fail(listed, &reason);
                Err(error.into())
            }
        }
    }

    /// The server refused DELE, and will do so at each poll: the log has one line.
    fn not_deleted(&mut self, listed: &ListedMessage, reason: &str) {
        let reason = format!("it was collected, and its server refuses to delete it: {reason}");
        if self.memory.undeletable_for_the_first_time(listed) {
            tracing::warn!(
                account = %self.account.name, uidl = %listed.name, reason,
                "a message stays on the server"
            );
        }
        self.polled.undeletable += 1;
        self.leave(listed, &reason, "");
    }

    /// Handles one message. Returns whether it is deleted.
    async fn message(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
        known: &[CollectedMessage],
        turn: Turn,
    ) -> Result<bool, PollError> {
        let renamed = if known.is_empty() {
            self.known_by_header(remote, listed).await?
        } else {
            None
        };
        let known = renamed.as_ref().map_or(known, std::slice::from_ref);
        let due = self.is_due(known);
        if turn == Turn::Alone && self.uncollected.tries(&listed.name) == 1 {
            self.learn_subject(remote, listed).await?;
        }
        let due = match self.state_of(remote, listed, known, due).await? {
            MessageState::Left => return Ok(false),
            MessageState::Committed => due,
            MessageState::Renamed(entry) => self.is_due(&[entry]),
        };
        self.uncollected.collected(&listed.name);
        Ok(due)
    }

    /// Whether a message is to be deleted once it is committed.
    fn is_due(&self, known: &[CollectedMessage]) -> bool {
        match self.account.leave_on_server {
            LeaveOnServer::Never => true,
            LeaveOnServer::ForEver => false,
            LeaveOnServer::For(time) => {
                let newest = known.iter().map(|message| message.collected_at_ms).max();
                let age = newest.map(|at| self.now_ms().saturating_sub(at));
                age.is_some_and(|age| i128::from(age) >= time.as_millis().cast_signed())
            }
        }
    }

    /// The state of a message after a check.
    async fn state_of(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
        known: &[CollectedMessage],
        due: bool,
    ) -> Result<MessageState, PollError> {
        let largest = self.services.config.max_message_size;
        if listed.size.is_some_and(|size| size > largest) {
            self.too_large(remote, listed).await?;
            return Ok(MessageState::Left);
        }
        if self.memory.was_refused(listed) {
            self.polled.refused += 1;
            return Ok(MessageState::Left);
        }
        if !known.is_empty() && !self.ambiguous.contains(&listed.name) {
            if !due && self.memory.was_seen(listed) {
                return Ok(MessageState::Committed);
            }
            if (!due || self.memory.whole_was_seen(listed))
                && self.has_known_header(remote, listed, known).await?
            {
                self.memory.header_seen(listed);
                return Ok(MessageState::Committed);
            }
        }
        self.collect(remote, listed, known).await
    }

    async fn has_known_header(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
        known: &[CollectedMessage],
    ) -> Result<bool, PollError> {
        self.note(listed).await?;
        let Some(header) = remote.header(listed.number).await? else {
            return Ok(false);
        };
        Ok(known
            .iter()
            .any(|message| header.identity.has_header_of(&message.content_hash)))
    }

    /// Leaves a message on the server that is too large, and records its subject for the administrator.
    async fn too_large(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
    ) -> Result<(), PollError> {
        self.polled.too_large += 1;
        let limit = rules::format_size(self.services.config.max_message_size);
        let reason = format!("it is larger than {limit}, the limit of the collector");
        self.leave(listed, &reason, "");
        if !self.uncollected.has_subject(&listed.name) {
            self.learn_subject(remote, listed).await?;
        }
        Ok(())
    }

    async fn learn_subject(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
    ) -> Result<(), PollError> {
        self.note(listed).await?;
        if let Some(header) = remote.header(listed.number).await? {
            self.uncollected.set_subject(&listed.name, header.subject());
        }
        Ok(())
    }
}
