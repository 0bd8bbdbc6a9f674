//! The mailbox store of the tests: mailboxes in memory, and a directory of two users.

pub(crate) mod messages;

use std::ops::Deref;

use fakes::{FakeDirectory, Mailboxes};

/// Calls of both are counted together and fail together. Clones are the same store.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) mailboxes: Mailboxes,
    pub(crate) directory: FakeDirectory,
}

impl Deref for Store {
    type Target = Mailboxes;

    fn deref(&self) -> &Mailboxes {
        &self.mailboxes
    }
}

impl Store {
    pub(crate) fn new() -> Self {
        let mailboxes = Mailboxes::default();
        let names = [("INBOX", ""), ("Sent", "\\Sent"), ("Trash", "\\Trash")];
        let users = ["bob@example.test", "alice@example.test"].map(|address| (address, "secret"));
        for (address, _) in users {
            mailboxes.add_user(address, &names);
        }
        let counted = mailboxes.clone();
        let directory = FakeDirectory::deciding(&users, move |_| counted.called().map(|()| None));
        directory.of_service("imap").state().tokens = true;
        Self {
            mailboxes,
            directory,
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.seen().calls
    }

    pub(crate) fn forget_calls(&self) {
        self.seen().calls = 0;
    }
}
