//! A mailbox store in memory: as much of mailbox.v1 and directory.v1 as the front end uses.

mod directory;
mod mailbox;
pub(crate) mod messages;
mod search;
mod service;

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use api::grpc::Status;
use api::mailbox::v1::MailboxChange;
use mailbox::{FakeMailbox, Message};
use tokio::sync::{broadcast, watch};

/// Clones are the same store.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inside>);

pub(crate) struct Inside {
    mailboxes: Mutex<Vec<FakeMailbox>>,
    changes: broadcast::Sender<MailboxChange>,
    uploads: Mutex<Vec<Vec<u8>>>,
    /// The longest piece of an upload.
    longest_piece: AtomicUsize,
    down: AtomicBool,
    /// FETCH fails, and nothing else.
    fetch_fails: AtomicBool,
    /// No change is told.
    hushed: AtomicBool,
    /// Of a streamed answer only the first piece comes.
    stalled: AtomicBool,
    login_delay: Mutex<Duration>,
    /// From where logins are to come.
    peer: Mutex<String>,
    /// Searches do not end.
    searches_held: watch::Sender<bool>,
    /// Searches under way.
    searching: watch::Sender<usize>,
    calls: AtomicUsize,
}

impl Deref for Store {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

/// The MODSEQ that is told of a mailbox that is gone.
const GONE: u64 = i64::MAX as u64;

/// Told as a change, it ends the streams of notices.
const BREAK: MailboxChange = MailboxChange {
    mailbox_id: -1,
    highest_modseq: 0,
};

impl Store {
    pub(crate) fn new() -> Self {
        let store = Self(Arc::new(Inside {
            mailboxes: Mutex::default(),
            changes: broadcast::channel(1024).0,
            uploads: Mutex::default(),
            longest_piece: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            fetch_fails: AtomicBool::new(false),
            hushed: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            login_delay: Mutex::default(),
            peer: Mutex::new("127.0.0.1".to_owned()),
            searches_held: watch::Sender::new(false),
            searching: watch::Sender::new(0),
            calls: AtomicUsize::new(0),
        }));
        for (name, special_use) in [("INBOX", ""), ("Sent", "\\Sent"), ("Trash", "\\Trash")] {
            store.create(name, special_use);
        }
        store
    }

    fn mailboxes(&self) -> MutexGuard<'_, Vec<FakeMailbox>> {
        self.mailboxes.lock().unwrap()
    }

    /// Every call passes here.
    fn called(&self) -> Result<(), Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(Status::unavailable("down"));
        }
        Ok(())
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn set_fetch_fails(&self, fails: bool) {
        self.fetch_fails.store(fails, Ordering::SeqCst);
    }

    /// What changes from here on is not told to those who watch.
    pub(crate) fn hush(&self) {
        self.hushed.store(true, Ordering::SeqCst);
    }

    /// From now on logins come from this address.
    pub(crate) fn expect_peer(&self, address: &str) {
        *self.peer.lock().unwrap() = address.to_owned();
    }

    /// Answers that are streamed break off without an end.
    pub(crate) fn stall(&self) {
        self.stalled.store(true, Ordering::SeqCst);
    }

    /// From now on a search lasts until this is false again.
    pub(crate) fn hold_searches(&self, hold: bool) {
        self.searches_held.send_replace(hold);
    }

    /// How many searches are under way.
    pub(crate) fn searches(&self) -> watch::Receiver<usize> {
        self.searching.subscribe()
    }

    /// A search is under way until this ends, or is given up.
    async fn held_search(&self) {
        struct Under<'a>(&'a watch::Sender<usize>);
        impl Drop for Under<'_> {
            fn drop(&mut self) {
                self.0.send_modify(|count| *count -= 1);
            }
        }
        self.searching.send_modify(|count| *count += 1);
        let _under = Under(&self.searching);
        let mut held = self.searches_held.subscribe();
        held.wait_for(|held| !held).await.unwrap();
    }

    pub(crate) fn delay_logins(&self, delay: Duration) {
        *self.login_delay.lock().unwrap() = delay;
    }

    /// Ends the streams of change notices.
    pub(crate) fn break_watch(&self) {
        self.tell(BREAK.mailbox_id, BREAK.highest_modseq);
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn forget_calls(&self) {
        self.calls.store(0, Ordering::SeqCst);
    }

    pub(crate) fn longest_piece(&self) -> usize {
        self.longest_piece.load(Ordering::SeqCst)
    }

    fn create(&self, name: &str, special_use: &str) -> i64 {
        let mut mailboxes = self.mailboxes();
        let id = 100 + mailboxes.len() as i64;
        mailboxes.push(FakeMailbox::new(id, name, special_use));
        id
    }

    /// Changes a mailbox and tells its watchers.
    fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut FakeMailbox) -> T,
    ) -> Result<T, Status> {
        let mut mailboxes = self.mailboxes();
        let mailbox = mailboxes
            .iter_mut()
            .find(|mailbox| mailbox.name == name)
            .ok_or_else(|| Status::not_found("no such mailbox"))?;
        Ok(self.changed(mailbox, change))
    }

    fn change_by_id<T>(
        &self,
        id: i64,
        change: impl FnOnce(&mut FakeMailbox) -> T,
    ) -> Result<T, Status> {
        let mut mailboxes = self.mailboxes();
        let mailbox = mailboxes
            .iter_mut()
            .find(|mailbox| mailbox.id == id)
            .ok_or_else(|| Status::not_found("no such mailbox"))?;
        Ok(self.changed(mailbox, change))
    }

    fn changed<T>(
        &self,
        mailbox: &mut FakeMailbox,
        change: impl FnOnce(&mut FakeMailbox) -> T,
    ) -> T {
        let before = mailbox.modseq;
        let result = change(mailbox);
        if mailbox.modseq > before && !self.hushed.load(Ordering::SeqCst) {
            self.tell(mailbox.id, mailbox.modseq);
        }
        result
    }

    fn present(&self, mailbox_id: i64) -> MailboxChange {
        let mailboxes = self.mailboxes();
        let mailbox = mailboxes.iter().find(|mailbox| mailbox.id == mailbox_id);
        MailboxChange {
            mailbox_id,
            highest_modseq: mailbox.map_or(GONE, |mailbox| mailbox.modseq),
        }
    }

    fn tell(&self, mailbox_id: i64, highest_modseq: u64) {
        // No one may be listening.
        let _ = self.changes.send(MailboxChange {
            mailbox_id,
            highest_modseq,
        });
    }

    pub(crate) fn deliver(&self, mailbox: &str, message: &[u8]) {
        let message = Message::delivered(message);
        self.change(mailbox, |mailbox| mailbox.add(message))
            .unwrap();
    }

    pub(crate) fn remove(&self, mailbox: &str, uid: u32) {
        self.change(mailbox, |mailbox| mailbox.remove(&[uid]))
            .unwrap();
    }

    pub(crate) fn flag(&self, mailbox: &str, uid: u32, bits: u32) {
        let change = |mailbox: &mut FakeMailbox| {
            mailbox.update(uid, |message| message.flags.system = bits);
        };
        self.change(mailbox, change).unwrap();
    }

    pub(crate) fn keyword(&self, mailbox: &str, uid: u32, keyword: &str) {
        let change = |mailbox: &mut FakeMailbox| {
            mailbox.update(uid, |message| {
                message.flags.keywords.push(keyword.to_owned())
            });
        };
        self.change(mailbox, change).unwrap();
    }

    pub(crate) fn drop_mailbox(&self, name: &str) {
        let mut mailboxes = self.mailboxes();
        let at = mailboxes.iter().position(|mailbox| mailbox.name == name);
        let gone = mailboxes.remove(at.unwrap());
        self.tell(gone.id, GONE);
    }

    /// The octets of a message, for comparison.
    pub(crate) fn octets(&self, mailbox: &str, uid: u32) -> Vec<u8> {
        let octets = |mailbox: &mut FakeMailbox| mailbox.messages[&uid].octets.clone();
        self.change(mailbox, octets).unwrap()
    }
}
