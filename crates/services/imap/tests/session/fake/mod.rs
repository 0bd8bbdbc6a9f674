//! The mailbox store of the tests: mailboxes in memory, and a directory of two users.

mod directory;
pub(crate) mod messages;

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fakes::Mailboxes;

/// Clones are the same store.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inside>);

pub(crate) struct Inside {
    pub(crate) mailboxes: Mailboxes,
    login_delay: Mutex<Duration>,
    /// The expected peer address of logins.
    peer: Mutex<String>,
}

impl Deref for Store {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

impl Deref for Inside {
    type Target = Mailboxes;

    fn deref(&self) -> &Mailboxes {
        &self.mailboxes
    }
}

impl Store {
    pub(crate) fn new() -> Self {
        let mailboxes = Mailboxes::default();
        let names = [("INBOX", ""), ("Sent", "\\Sent"), ("Trash", "\\Trash")];
        for address in ["bob@example.test", "alice@example.test"] {
            mailboxes.add_user(address, &names);
        }
        Self(Arc::new(Inside {
            mailboxes,
            login_delay: Mutex::default(),
            peer: Mutex::new("127.0.0.1".to_owned()),
        }))
    }

    /// Expects logins from this address from now on.
    pub(crate) fn expect_peer(&self, address: &str) {
        *self.peer.lock().unwrap() = address.to_owned();
    }

    pub(crate) fn delay_logins(&self, delay: Duration) {
        *self.login_delay.lock().unwrap() = delay;
    }

    pub(crate) fn calls(&self) -> usize {
        self.seen().calls
    }

    pub(crate) fn forget_calls(&self) {
        self.seen().calls = 0;
    }
}
