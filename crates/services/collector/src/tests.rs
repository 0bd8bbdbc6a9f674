//! Polls over real sockets: a scripted POP3 server at one end, a queue in memory at the other.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

mod clocks;
mod fake_queue;
mod following;
mod i10;
mod mailboxes;
mod odd_listings;
mod poisoned;
mod polls;
mod pop3_server;
mod renamed;
mod renumbered_poison;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

pub(crate) use api::clock::now_ms;
use policy_watch::{FreeSpace, PolicyWatch};
use rules::{CollectAccount, Policy};
use session_io::ClientTls;
use test_kit::TestCertificate;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::memory::Memory;
use crate::poll::{Poll, PollResult};
use crate::services::Services;
use fake_queue::FakeQueue;
use pop3_server::Pop3Server;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Generating keys takes a while.
static CERTIFICATE: LazyLock<TestCertificate> =
    LazyLock::new(|| TestCertificate::for_names(&["localhost"]));

/// A policy with one account on this server.
fn policy(server: &Pop3Server, protocol: &str, leave: &str, every: &str) -> Policy {
    Policy::parse(&format!(
        r#"
        [[domain]]
        name = "example.test"
        deliver = "mailboxes"

        [[collect]]
        name = "isp"
        server = "localhost:{}"
        protocol = "{protocol}"
        login = {{ user = "office", secret = "isp-pop" }}
        every = "{every}"
        deliver = {{ mailbox = "bob@example.test" }}
        leave-on-server = "{leave}"
        "#,
        server.port()
    ))
    .unwrap()
}

/// A POP3 account and a queue, with a collector between them.
struct Bench {
    server: Pop3Server,
    queue: FakeQueue,
    services: Arc<Services>,
    account: Arc<CollectAccount>,
    policy: PolicyWatch,
    memory: Memory,
}

impl Bench {
    async fn new(protocol: &str, leave: &str, messages: &[(&str, &[u8])]) -> Self {
        let server = Pop3Server::start(&CERTIFICATE, protocol, messages).await;
        let queue = FakeQueue::start();
        let tls = ClientTls::verified_by(CERTIFICATE.authority.as_bytes()).unwrap();
        let config = Config {
            timeout_seconds: TIMEOUT.as_secs(),
            ..Config::default()
        };
        let hostname = "mail.example.test".to_owned();
        let policy = policy(&server, protocol, leave, "5 min");
        Self {
            services: Arc::new(Services::new(
                queue.channel(),
                queue.channel(),
                "here".to_owned(),
                hostname,
                config,
                tls,
                FreeSpace::fixed(None),
            )),
            account: Arc::clone(&policy.collect_accounts()[0]),
            policy: PolicyWatch::fixed(7, policy),
            memory: Memory::default(),
            server,
            queue,
        }
    }

    /// One poll by the same process.
    async fn poll(&mut self) -> PollResult {
        let stop = CancellationToken::new();
        let poll = Poll::new(
            &self.account,
            &self.services,
            &self.policy,
            &mut self.memory,
            &stop,
        );
        let polled = tokio::time::timeout(TIMEOUT, poll.run()).await.unwrap();
        self.services.report("isp", &polled).await.unwrap();
        polled
    }

    /// As after a kill and a restart of the process.
    fn restart(&mut self) {
        self.memory = Memory::default();
    }

    /// A poll that must succeed.
    async fn good_poll(&mut self) -> PollResult {
        let polled = self.poll().await;
        assert_eq!(polled.error(), "");
        polled
    }

    /// Each of these is in the queue exactly once, and nothing else is.
    #[track_caller]
    fn assert_collected(&self, expected: &[&[u8]]) {
        let mut expected: Vec<Vec<u8>> = expected.iter().map(|bytes| bytes.to_vec()).collect();
        let mut collected = self.queue.messages();
        expected.sort();
        collected.sort();
        let show = |all: &[Vec<u8>]| -> Vec<String> {
            all.iter()
                .map(|one| one.escape_ascii().to_string())
                .collect()
        };
        assert_eq!(show(&collected), show(&expected));
    }
}
