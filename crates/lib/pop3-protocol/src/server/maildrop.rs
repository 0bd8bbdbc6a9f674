//! The messages of a session, as at its start (RFC 1939 §5).

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaildropMessage {
    /// Its UID in the INBOX.
    pub uid: u32,
    /// Its size in octets.
    pub size: u64,
}

/// The INBOX at the session's start, and the messages marked as deleted.
#[derive(Clone, Debug)]
pub struct Maildrop {
    uid_validity: u32,
    messages: Vec<MaildropMessage>,
    deleted: Vec<bool>,
}

impl Maildrop {
    /// The messages in the order of their UIDs.
    pub fn new(uid_validity: u32, messages: Vec<MaildropMessage>) -> Self {
        Self {
            uid_validity,
            deleted: vec![false; messages.len()],
            messages,
        }
    }

    /// Number and size of the messages not marked as deleted.
    pub(super) fn totals(&self) -> (usize, u64) {
        self.undeleted()
            .fold((0, 0), |(count, size), (_, message)| {
                (count + 1, size + message.size)
            })
    }

    /// The number of message numbers.
    pub(super) fn numbers(&self) -> usize {
        self.messages.len()
    }

    /// The message with this number, unless it is marked as deleted.
    pub(super) fn message(&self, number: u32) -> Option<MaildropMessage> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        if *self.deleted.get(index)? {
            return None;
        }
        self.messages.get(index).copied()
    }

    /// Marks a message as deleted; false if the number does not exist.
    pub(super) fn delete(&mut self, number: u32) -> bool {
        let index = usize::try_from(number)
            .unwrap_or(usize::MAX)
            .wrapping_sub(1);
        match self.deleted.get_mut(index) {
            Some(deleted) => !std::mem::replace(deleted, true),
            None => false,
        }
    }

    /// Unmarks all messages.
    pub(super) fn reset(&mut self) {
        self.deleted.fill(false);
    }

    /// UIDs of the messages that are marked as deleted, ascending.
    pub(super) fn marked(&self) -> Vec<u32> {
        let marked = self.messages.iter().zip(&self.deleted);
        marked
            .filter(|&(_, &deleted)| deleted)
            .map(|(message, _)| message.uid)
            .collect()
    }

    /// The identifier that no other message of this INBOX ever has (RFC 1939 §7; I6).
    pub(super) fn uidl(&self, message: MaildropMessage) -> String {
        format!("{}.{}", self.uid_validity, message.uid)
    }

    fn undeleted(&self) -> impl Iterator<Item = (usize, MaildropMessage)> + '_ {
        let all = self.messages.iter().zip(&self.deleted).enumerate();
        all.filter(|&(_, (_, &deleted))| !deleted)
            .map(|(index, (message, _))| (index + 1, *message))
    }
}
