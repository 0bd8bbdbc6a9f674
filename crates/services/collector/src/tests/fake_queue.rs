//! The queue's services in memory, behind real gRPC on a Unix socket.

mod collection;
mod queue;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use api::collection::v1::collection_server::CollectionServer;
use api::collection::v1::{NotedMessage, ReportPollRequest, UncollectedMessage};
use api::directory::v1::directory_server::DirectoryServer;
use api::grpc::{Channel, Status};
use api::message::v1::content;
use api::policy::v1::policy_server::PolicyServer;
use api::queue::v1::Submission;
use api::queue::v1::queue_server::QueueServer;
use fakes::{FakeAccount, FakeDirectory, FakePolicy, FakeQueueService, Texts};
use service_kit::{Routes, Service};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};

use super::pop3_server::PASSWORD;

/// Settings and results for the tests.
#[derive(Default)]
pub(super) struct State {
    /// Committed submissions.
    pub(super) submissions: Vec<Submission>,
    /// Account, UIDL, content hash; time.
    pub(super) ledger: HashMap<(String, String, Vec<u8>), i64>,
    /// Enqueue fails.
    pub(super) away: bool,
    /// Submissions with this text in their header are committed, but the answer is lost.
    pub(super) loses_answer_to: Option<&'static str>,
    /// Submissions with this text in their header are refused permanently.
    pub(super) refuses: Option<&'static str>,
    /// Number of claims to grant; later ones are refused for now.
    pub(super) grants: usize,
    /// No account is due: a claim that has to wait for that is refused for now as well.
    pub(super) nothing_is_due: bool,
    pub(super) reports: VecDeque<ReportPollRequest>,
    /// The message recorded as being read, until a report.
    pub(super) reading: Option<NotedMessage>,
    pub(super) uncollected: Vec<UncollectedMessage>,
    /// How far its clock is ahead of the machine's.
    pub(super) clock_ahead_ms: i64,
    /// The user: bob, unless he has been removed.
    pub(super) users: Users,
}

/// When the user exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Users {
    #[default]
    There,
    Gone,
    /// Removed after this many questions.
    GoneAfter(usize),
    /// The directory does not answer.
    Away,
}

impl Users {
    fn ask(&mut self) -> Result<bool, Status> {
        match *self {
            Self::There => Ok(true),
            Self::Gone | Self::GoneAfter(0) => Ok(false),
            Self::GoneAfter(more) => {
                *self = Self::GoneAfter(more - 1);
                Ok(true)
            }
            Self::Away => Err(Status::unavailable("away")),
        }
    }
}

pub(super) struct FakeQueue {
    /// The newest policy document.
    pub(super) document: watch::Sender<String>,
    shared: Shared,
    service: Service,
    folder: TempDir,
}

/// The state shared by the gRPC services.
#[derive(Clone, Default)]
struct Shared {
    state: Arc<Mutex<State>>,
    texts: Texts,
    changed: Arc<Notify>,
}

impl FakeQueue {
    pub(super) fn start() -> Self {
        let queue = Self {
            document: watch::Sender::default(),
            shared: Shared::default(),
            service: Service::for_tests("queue"),
            folder: tempfile::tempdir().unwrap(),
        };
        let shared = queue.shared.clone();
        let policies = FakePolicy::new(queue.document.subscribe());
        let policies = policies.with_secret("isp-pop", PASSWORD);
        let asked = shared.clone();
        let directory = FakeDirectory::deciding(&[("bob@example.test", "")], move |_| {
            let exists = asked.state.lock().unwrap().users.ask()?;
            Ok((!exists).then_some(FakeAccount::Nobody))
        });
        let routes = Routes::new(QueueServer::new(FakeQueueService(shared.clone())))
            .add_service(DirectoryServer::new(directory))
            .add_service(CollectionServer::new(shared))
            .add_service(PolicyServer::new(policies));
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

    /// Number of uploaded texts.
    pub(super) fn texts(&self) -> usize {
        self.shared.texts.count()
    }

    /// Waits for the next report of a poll.
    pub(super) async fn report(&self) -> ReportPollRequest {
        loop {
            let changed = self.shared.changed.notified();
            if let Some(report) = self.state().reports.pop_front() {
                return report;
            }
            changed.await;
        }
    }

    /// The committed messages, without the Received field added by the collector.
    pub(super) fn messages(&self) -> Vec<Vec<u8>> {
        let state = self.state();
        let messages = state.submissions.iter().map(|submission| {
            let content = submission.content.as_ref().unwrap();
            let prefix = &submission.prefix;
            assert!(prefix.starts_with(b"Received: from localhost"));
            // One field: folded lines begin with white space.
            let fields = prefix.split_inclusive(|octet| *octet == b'\n').skip(1);
            assert!(fields.into_iter().all(|line| b" \t".contains(&line[0])));
            let text = match content.text.as_ref().unwrap() {
                content::Text::Inline(text) => text.to_vec(),
                content::Text::Stored(name) => self.shared.texts.get(name),
                content::Text::Body(id) => panic!("a collected message over the body {id}"),
            };
            assert_eq!(content.text_size, text.len() as u64);
            [&content.header[..], &text].concat()
        });
        messages.collect()
    }
}

impl Drop for FakeQueue {
    fn drop(&mut self) {
        self.service.shutdown.cancel();
    }
}
