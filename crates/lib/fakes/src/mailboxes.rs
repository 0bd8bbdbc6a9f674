//! An in-memory mailbox store: mailbox.v1 as implemented by mailbox-store, for tests of its callers.
//!
//! A property test makes random calls to this store and to mailbox-store over Postgres and compares the
//! answers (`crates/services/mailbox-store/src/messages/tests/model.rs`). So a front end's test sees what
//! mailbox-store would answer. Differences: UIDVALIDITY and the default internal date of an APPEND are
//! constants, and SEARCH examines one message for each call and reads text as ASCII.

mod calls;
mod delivering;
mod faults;
mod mailbox;
mod message;
mod name;
mod search;
mod state;
mod transfer;
mod watching;

pub use faults::{Faults, Seen};
pub use mailbox::UID_VALIDITY;
pub use state::{INBOX_ALONE, USUAL};

use std::sync::{Arc, Mutex, MutexGuard};

use api::actor::v1::Actor;
use api::grpc::Status;
use api::mailbox::v1::{Delivery, DeliveryResult, Flags, MailboxChange};
use bytes::Bytes;
use tokio::sync::{broadcast, watch};

use mailbox::FakeMailbox;
use message::Message;
use state::{State, user};
use watching::{BREAK, GONE};

/// The store. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Mailboxes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    faults: Mutex<Faults>,
    seen: Mutex<Seen>,
    changes: broadcast::Sender<MailboxChange>,
    /// Searches wait.
    searches_held: watch::Sender<bool>,
    /// Searches in progress.
    searching: watch::Sender<usize>,
    /// Counts simulated restarts, at which the locks of the maildrops are lost.
    restarts: watch::Sender<u64>,
}

impl Default for Mailboxes {
    fn default() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            faults: Mutex::default(),
            seen: Mutex::default(),
            changes: broadcast::channel(1024).0,
            searches_held: watch::Sender::new(false),
            searching: watch::Sender::new(0),
            restarts: watch::Sender::new(0),
        }))
    }
}

/// The interface for tests.
impl Mailboxes {
    /// Adds a user with mailboxes, each with a name and a special use, all subscribed. Returns the user's
    /// id: 1 for the first.
    pub fn add_user(&self, address: &str, mailboxes: &[(&str, &str)]) -> i64 {
        self.state().add_user(address, mailboxes)
    }

    /// Adds a body for deliveries.
    pub fn add_body(&self, body_id: i64, message: &[u8]) {
        let message = Bytes::copy_from_slice(message);
        self.state().bodies.insert(body_id, message);
    }

    /// Makes every body exist; those not added are this message.
    pub fn any_body_is(&self, message: &[u8]) {
        self.state().any_body = Some(Bytes::copy_from_slice(message));
    }

    /// The faults to simulate.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.0.faults.lock().unwrap()
    }

    /// The recorded calls.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap()
    }

    /// Delivers as the queue does, in one transaction.
    pub fn deliver_all(&self, deliveries: Vec<Delivery>) -> Vec<DeliveryResult> {
        let full = self.faults().full.clone();
        let (results, changed) = self.state().deliver(&deliveries, full.as_deref());
        self.publish(&changed);
        results
    }

    /// Empties the ledger, as if no delivery had been made.
    pub fn forget_deliveries(&self) {
        self.state().ledger.clear();
        self.seen().delivered.clear();
    }

    /// Adds a message, with a delivery prefix, to a mailbox of the first user.
    pub fn deliver(&self, mailbox: &str, message: &[u8]) {
        let message = Message::new(b"Delivered-To: bob@example.test\r\n", message);
        self.change(mailbox, |mailbox| mailbox.add(message));
    }

    /// Adds a message unchanged, with this UID, to a mailbox of the first user.
    pub fn put(&self, mailbox: &str, uid: u32, message: &[u8]) {
        self.change(mailbox, |mailbox| {
            mailbox.uid_next = uid;
            mailbox.add(Message::new(b"", message));
        });
    }

    /// Removes a message, as another session would.
    pub fn remove(&self, mailbox: &str, uid: u32) {
        self.change(mailbox, |mailbox| mailbox.remove(&[uid]));
    }

    /// Sets a message's system flags.
    pub fn flag(&self, mailbox: &str, uid: u32, bits: u32) {
        self.change(mailbox, |mailbox| {
            mailbox.update(uid, |flags| flags.system = bits);
        });
    }

    /// Adds a keyword to a message.
    pub fn keyword(&self, mailbox: &str, uid: u32, keyword: &str) {
        self.change(mailbox, |mailbox| {
            let keywords = mailbox.learn(&[keyword.to_owned()]);
            mailbox.update(uid, |flags: &mut Flags| flags.keywords.extend(keywords));
        });
    }

    /// Deletes a mailbox of the first user.
    pub fn drop_mailbox(&self, name: &str) {
        let gone = self.state().delete(1, name).unwrap();
        self.tell(gone, GONE);
    }

    /// The octets of a message of the first user.
    pub fn octets(&self, mailbox: &str, uid: u32) -> Vec<u8> {
        let state = self.state();
        let mailbox = state.named(1, mailbox).unwrap();
        mailbox.messages[&uid].octets.to_vec()
    }

    /// UIDs and system flags of the messages in a mailbox of the first user.
    pub fn flags(&self, mailbox: &str) -> Vec<(u32, u32)> {
        let state = self.state();
        let mailbox = state.named(1, mailbox).unwrap();
        let messages = mailbox.messages.iter();
        messages
            .map(|(uid, message)| (*uid, message.flags.system))
            .collect()
    }

    /// Makes searches wait until this is false again.
    pub fn hold_searches(&self, hold: bool) {
        self.0.searches_held.send_replace(hold);
    }

    /// The number of searches in progress.
    pub fn searches(&self) -> watch::Receiver<usize> {
        self.0.searching.subscribe()
    }

    /// Ends the streams of change notifications.
    pub fn break_watch(&self) {
        self.tell(BREAK.mailbox_id, BREAK.highest_modseq);
    }

    /// Simulates a restart of the store: the locks of maildrops are lost.
    pub fn restart(&self) {
        self.0.restarts.send_modify(|count| *count += 1);
    }

    /// Whether a session holds the first user's maildrop.
    pub fn maildrop_is_held(&self) -> bool {
        self.state().maildrops.contains(&1)
    }

    /// Counts a call; fails while the store is down. Every call passes here.
    ///
    /// # Errors
    /// `UNAVAILABLE`.
    pub fn called(&self) -> Result<(), Status> {
        self.seen().calls += 1;
        if self.faults().down {
            return Err(Status::unavailable("down"));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Changes a mailbox of the first user and notifies its watchers.
    fn change<T>(&self, name: &str, change: impl FnOnce(&mut FakeMailbox) -> T) -> T {
        let mailbox_id = self.state().named(1, name).unwrap().id;
        self.change_by_id(mailbox_id, |mailbox| Ok(change(mailbox)))
            .unwrap()
    }

    fn change_owned<T>(
        &self,
        actor: Option<&Actor>,
        mailbox_id: i64,
        change: impl FnOnce(&mut FakeMailbox) -> Result<T, Status>,
    ) -> Result<T, Status> {
        self.state().owned(user(actor)?, mailbox_id)?;
        self.change_by_id(mailbox_id, change)
    }

    fn change_by_id<T>(
        &self,
        mailbox_id: i64,
        change: impl FnOnce(&mut FakeMailbox) -> Result<T, Status>,
    ) -> Result<T, Status> {
        let mut state = self.state();
        let mailbox = state.by_id(mailbox_id)?;
        let before = mailbox.modseq;
        let result = change(mailbox)?;
        let changed = (mailbox.modseq > before).then_some((mailbox_id, mailbox.modseq));
        drop(state);
        self.publish(changed.as_slice());
        Ok(result)
    }

    fn publish(&self, changed: &[(i64, u64)]) {
        if self.faults().hushed {
            return;
        }
        for &(mailbox_id, highest_modseq) in changed {
            self.tell(mailbox_id, highest_modseq);
        }
    }

    fn tell(&self, mailbox_id: i64, highest_modseq: u64) {
        // There may be no watcher.
        let _ = self.0.changes.send(MailboxChange {
            mailbox_id,
            highest_modseq,
        });
    }
}
