//! A mailbox-store in memory, with one user and one INBOX, behind real gRPC on a Unix socket.

mod directory;
mod mailboxes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use api::directory::v1::directory_server::DirectoryServer;
use api::mailbox::v1::mailbox_store_server::MailboxStoreServer;
use service_kit::Service;
use tempfile::TempDir;

/// What the tests set and look at.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) messages: BTreeMap<u32, Vec<u8>>,
    /// Messages with `\Deleted`.
    pub(crate) marked: Vec<u32>,
    pub(crate) locked: bool,
    /// Offset and length of each read.
    pub(crate) reads: Vec<(u64, u64)>,
    /// Reads break off after so many octets.
    pub(crate) break_after: Option<usize>,
    /// From where logins came.
    pub(crate) peers: Vec<String>,
    /// How long it takes to check a login.
    pub(crate) login_delay: Duration,
    /// Tells those that hold the maildrop that the store has started anew.
    pub(crate) restarts: tokio::sync::watch::Sender<()>,
    /// Every call fails.
    pub(crate) down: bool,
}

/// The store, serving.
pub(crate) struct FakeStore {
    state: Arc<Mutex<State>>,
    service: Service,
    folder: TempDir,
}

/// What the gRPC services share.
#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

impl FakeStore {
    pub(crate) fn start(messages: &[(u32, &[u8])]) -> Self {
        let messages = messages.iter().map(|&(uid, bytes)| (uid, bytes.to_vec()));
        let state = State {
            messages: messages.collect(),
            ..State::default()
        };
        let store = Self {
            state: Arc::new(Mutex::new(state)),
            service: Service::for_tests("mailbox-store"),
            folder: tempfile::tempdir().unwrap(),
        };
        let shared = Shared(Arc::clone(&store.state));
        let routes = service_kit::Routes::new(MailboxStoreServer::new(shared.clone()))
            .add_service(DirectoryServer::new(shared));
        let (service, listen) = (store.service.clone(), store.endpoint());
        tokio::spawn(async move { service.serve_grpc(&listen, routes).await.unwrap() });
        store
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix:{}", self.folder.path().join("store.sock").display())
    }

    /// As if it had been killed and started again: whoever held the maildrop holds it no more.
    pub(crate) fn restart(&self) {
        self.state().restarts.send_replace(());
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
