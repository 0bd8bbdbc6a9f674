//! The queue's services in memory, behind real gRPC on a Unix socket.

mod collection;
mod policy;
mod queue;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use api::collection::v1::ReportPollRequest;
use api::collection::v1::collection_server::CollectionServer;
use api::grpc::Channel;
use api::message::v1::content;
use api::policy::v1::policy_server::PolicyServer;
use api::queue::v1::Submission;
use api::queue::v1::queue_server::QueueServer;
use service_kit::Service;
use tempfile::TempDir;
use tokio::sync::Notify;

/// What the tests set and look at.
#[derive(Default)]
pub(super) struct State {
    /// What was committed.
    pub(super) submissions: Vec<Submission>,
    /// Account, UIDL, content hash; when.
    pub(super) ledger: HashMap<(String, String, Vec<u8>), i64>,
    pub(super) texts: Vec<Vec<u8>>,
    /// Enqueue fails.
    pub(super) away: bool,
    /// Submissions with this in their header are committed, but the answer is lost.
    pub(super) loses_answer_to: Option<&'static str>,
    /// Submissions with this in their header are refused for good.
    pub(super) refuses: Option<&'static str>,
    /// Claims that are granted; later ones are told to come back.
    pub(super) grants: usize,
    pub(super) reports: VecDeque<ReportPollRequest>,
    /// The newest policy document.
    pub(super) document: String,
}

pub(super) struct FakeQueue {
    shared: Shared,
    service: Service,
    folder: TempDir,
}

/// What the gRPC services share.
#[derive(Clone, Default)]
struct Shared {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

impl FakeQueue {
    pub(super) fn start() -> Self {
        let queue = Self {
            shared: Shared::default(),
            service: Service::for_tests("queue"),
            folder: tempfile::tempdir().unwrap(),
        };
        let shared = queue.shared.clone();
        let routes = service_kit::Routes::new(QueueServer::new(shared.clone()))
            .add_service(CollectionServer::new(shared.clone()))
            .add_service(PolicyServer::new(shared));
        let (service, listen) = (queue.service.clone(), queue.endpoint());
        tokio::spawn(async move { service.serve_grpc(&listen, routes).await.unwrap() });
        queue
    }

    pub(super) fn endpoint(&self) -> String {
        format!("unix:{}", self.folder.path().join("queue.sock").display())
    }

    pub(super) fn channel(&self) -> Channel {
        self.service.channel(&self.endpoint()).unwrap()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Tells those who wait that the state has changed.
    pub(super) fn changed(&self) {
        self.shared.changed.notify_waiters();
    }

    /// The next report of a poll.
    pub(super) async fn report(&self) -> ReportPollRequest {
        loop {
            let changed = self.shared.changed.notified();
            if let Some(report) = self.state().reports.pop_front() {
                return report;
            }
            changed.await;
        }
    }

    /// The messages that were committed, without the Received field that the collector adds.
    pub(super) fn messages(&self) -> Vec<Vec<u8>> {
        let state = self.state();
        let messages = state.submissions.iter().map(|submission| {
            let content = submission.content.as_ref().unwrap();
            let header = &content.header;
            assert!(header.starts_with(b"Received: from localhost"));
            // Folded lines begin with white space.
            let end = header
                .windows(3)
                .position(|three| three.starts_with(b"\r\n") && !b" \t".contains(&three[2]))
                .unwrap();
            let text: &[u8] = match content.text.as_ref().unwrap() {
                content::Text::Inline(text) => text,
                content::Text::Stored(id) => &state.texts[usize::try_from(*id).unwrap()],
            };
            assert_eq!(content.text_size, text.len() as u64);
            [&header[end + 2..], text].concat()
        });
        messages.collect()
    }
}

impl Drop for FakeQueue {
    fn drop(&mut self) {
        self.service.shutdown.cancel();
    }
}
