//! A mailbox-store with one user and one INBOX, behind real gRPC on a Unix socket.

use std::ops::Deref;

use api::directory::v1::directory_server::DirectoryServer;
use api::grpc::Status;
use api::mailbox::v1::mailbox_store_server::MailboxStoreServer;
use fakes::{FakeDirectory, INBOX_ALONE, Mailboxes};
use service_kit::Service;
use tempfile::TempDir;

/// The running store.
pub(crate) struct FakeStore {
    mailboxes: Mailboxes,
    pub(crate) directory: FakeDirectory,
    service: Service,
    folder: TempDir,
}

impl Deref for FakeStore {
    type Target = Mailboxes;

    fn deref(&self) -> &Mailboxes {
        &self.mailboxes
    }
}

impl FakeStore {
    pub(crate) fn start(messages: &[(u32, &[u8])]) -> Self {
        let mailboxes = Mailboxes::default();
        mailboxes.add_user("bob@example.test", INBOX_ALONE);
        for &(uid, message) in messages {
            mailboxes.put("INBOX", uid, message);
        }
        let store = Self {
            mailboxes,
            directory: FakeDirectory::new(&[("bob@example.test", "pass word")]),
            service: Service::for_tests("mailbox-store"),
            folder: tempfile::tempdir().unwrap(),
        };
        store.directory.of_service("pop3").state().tokens = true;
        let routes = service_kit::Routes::new(MailboxStoreServer::new(store.mailboxes.clone()))
            .add_service(DirectoryServer::new(store.directory.clone()));
        let (service, listen) = (store.service.clone(), store.endpoint());
        tokio::spawn(async move { service.serve_grpc(&listen, routes).await.unwrap() });
        store
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix:{}", self.folder.path().join("store.sock").display())
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.faults().down = down;
        let failure = || Status::unavailable("postgres is away, password hunter2");
        self.directory.state().failure = down.then(failure);
    }

    /// UIDs of the messages in the INBOX.
    pub(crate) fn uids(&self) -> Vec<u32> {
        self.flags("INBOX")
            .into_iter()
            .map(|(uid, _)| uid)
            .collect()
    }
}

impl Drop for FakeStore {
    fn drop(&mut self) {
        self.service.shutdown.cancel();
    }
}
