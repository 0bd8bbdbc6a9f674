//! A mailbox-store with one user and one INBOX, behind real gRPC on a Unix socket.

mod directory;

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use api::directory::v1::directory_server::DirectoryServer;
use api::mailbox::v1::mailbox_store_server::MailboxStoreServer;
use fakes::{INBOX_ALONE, Mailboxes};
use service_kit::Service;
use tempfile::TempDir;

/// The directory's settings and results for the tests.
#[derive(Default)]
pub(crate) struct State {
    /// Peer addresses of the logins.
    pub(crate) peers: Vec<String>,
    /// How long a login takes to verify.
    pub(crate) login_delay: Duration,
    /// Every call fails.
    down: bool,
}

/// The running store.
pub(crate) struct FakeStore {
    mailboxes: Mailboxes,
    state: Arc<Mutex<State>>,
    service: Service,
    folder: TempDir,
}

/// The directory.
#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

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
            state: Arc::default(),
            service: Service::for_tests("mailbox-store"),
            folder: tempfile::tempdir().unwrap(),
        };
        let shared = Shared(Arc::clone(&store.state));
        let routes = service_kit::Routes::new(MailboxStoreServer::new(store.mailboxes.clone()))
            .add_service(DirectoryServer::new(shared));
        let (service, listen) = (store.service.clone(), store.endpoint());
        tokio::spawn(async move { service.serve_grpc(&listen, routes).await.unwrap() });
        store
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix:{}", self.folder.path().join("store.sock").display())
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.faults().down = down;
        self.state().down = down;
    }

    /// UIDs of the messages in the INBOX.
    pub(crate) fn uids(&self) -> Vec<u32> {
        self.flags("INBOX")
            .into_iter()
            .map(|(uid, _)| uid)
            .collect()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for FakeStore {
    fn drop(&mut self) {
        self.service.shutdown.cancel();
    }
}
