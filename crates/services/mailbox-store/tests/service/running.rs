//! The service on a Unix socket, with its clients.

use std::sync::atomic::{AtomicI64, Ordering};

use api::actor::v1::Actor;
use api::directory::v1::directory_client::DirectoryClient;
use api::directory::v1::{AddUserRequest, LoginRefusal};
use api::grpc::Channel;
use api::login::{ClientConnection, Login, Step};
use api::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use api::mailbox::v1::upkeep_client::UpkeepClient;
use api::mailbox::v1::{
    Delivery, MailboxState, MessageState, SelectRequest, UidRange, WatchRequest, WatchedMailbox,
};
use bytes::Bytes;
use prost::Message as _;
use sasl::Initiation;
use service_kit::Service;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use volume::{NewBody, Text};

pub(crate) const MESSAGE: &[u8] = b"Subject: hello\r\nFrom: alice@example.test\r\n\r\nworld\r\n";
pub(crate) const PREFIX: &[u8] = b"Delivered-To: bob@example.test\r\n";

/// A running service.
pub(crate) struct Running {
    pub(crate) mailboxes: MailboxStoreClient<Channel>,
    pub(crate) directory: DirectoryClient<Channel>,
    pub(crate) upkeep: UpkeepClient<Channel>,
    pub(crate) pool: PgPool,
    service: Service,
    server: JoinHandle<anyhow::Result<()>>,
    ids: volume::Ids,
    next_recipient: AtomicI64,
    listen: String,
    _folder: TempDir,
}

impl Running {
    pub(crate) async fn start(url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = format!(
            "unix:{}",
            folder.path().join("mailbox-store.sock").display()
        );
        let mut service = Service::for_tests("mailbox-store");
        service.shared.database.url = Some(url.clone());
        let config = mailbox_store::Config {
            listen: listen.clone(),
            oauth: None,
            min_free_space: 0,
        };
        let endpoint: service_kit::Endpoint = listen.parse().unwrap();
        let channel = service_kit::open_channel(std::slice::from_ref(&endpoint), None).unwrap();
        let server = tokio::spawn(mailbox_store::run(config, service.clone()));
        test_kit::in_time("the service is healthy", async {
            while service_kit::health::check(&endpoint, None).await.is_err() {
                assert!(!server.is_finished(), "the service has ended");
                tokio::task::yield_now().await;
            }
        })
        .await;
        let options = database::Options::new("test", 4);
        Self {
            mailboxes: MailboxStoreClient::new(channel.clone()),
            directory: DirectoryClient::new(channel.clone()),
            upkeep: UpkeepClient::new(channel),
            pool: database::connect(&url, &options).await.unwrap(),
            service,
            server,
            ids: volume::Ids::new(),
            next_recipient: AtomicI64::new(1),
            listen,
            _folder: folder,
        }
    }

    /// Its endpoint.
    pub(crate) fn listen(&self) -> String {
        self.listen.clone()
    }

    /// Begins the shutdown.
    pub(crate) fn shut_down(&self) {
        self.service.shutdown.cancel();
    }

    /// Waits until it has drained.
    pub(crate) async fn drained(self) {
        self.service.shutdown.cancel();
        self.server.await.unwrap().unwrap();
    }

    /// Logs in over IMAP; returns the user's id unless the login is refused.
    pub(crate) async fn log_in(&self, login: &str, password: &str) -> Option<i64> {
        let connection = ClientConnection::unprotected("imap", [192, 0, 2, 1].into());
        let initiation = Initiation::plain(login, password);
        let begun = Login::begin(self.directory.clone(), &connection, initiation).await;
        match begun.unwrap() {
            (_, Step::Accepted(accepted)) => Some(accepted.user_id),
            (_, Step::Refused(refused)) => {
                assert_eq!(refused.why(), LoginRefusal::Wrong);
                None
            }
            (_, step) => panic!("{step:?}"),
        }
    }

    pub(crate) async fn add_user(&mut self, address: &str) -> i64 {
        let request = AddUserRequest {
            actor: administrator(),
            address: address.into(),
            password: "secret".into(),
        };
        self.directory
            .add_user(request)
            .await
            .unwrap()
            .into_inner()
            .user_id
    }

    /// Stores a body, as the queue does.
    pub(crate) async fn body(&self, message: &[u8]) -> i64 {
        let id = self.ids.take(&self.pool).await.unwrap();
        let mut scanner = message::Scanner::new();
        let text = Bytes::copy_from_slice(&scanner.push(message).unwrap());
        let scanned = scanner.finish().unwrap();
        let summary = intake::summary(scanned.summary);
        let body = NewBody {
            id,
            header: scanned.header,
            text: Text::Inline(text),
            summary: volume::summaries::Summary::new(
                summary.scanner_version,
                summary.encode_to_vec(),
            ),
            created_at: 0,
        };
        let mut connection = self.pool.acquire().await.unwrap();
        volume::insert(&mut connection, &[body]).await.unwrap();
        id
    }

    pub(crate) fn delivery(&self, body_id: i64) -> Delivery {
        Delivery {
            recipient_id: self.next_recipient.fetch_add(1, Ordering::Relaxed),
            body_id,
            user: "bob@example.test".into(),
            mailbox: String::new(),
            prefix: Bytes::from_static(PREFIX),
            received_at_ms: 1_700_000_000_000,
        }
    }

    pub(crate) async fn select(
        &mut self,
        user_id: i64,
        name: &str,
    ) -> (MailboxState, Vec<MessageState>) {
        let request = SelectRequest {
            actor: actor(user_id),
            name: name.into(),
        };
        let mut answers = self.mailboxes.select(request).await.unwrap().into_inner();
        let mut state = None;
        let mut messages = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            state = state.or(answer.state);
            messages.extend(answer.messages);
        }
        (state.unwrap(), messages)
    }
}

/// An actor for this user.
pub(crate) fn actor(user_id: i64) -> Option<Actor> {
    Some(Actor::user(user_id, "", "192.0.2.1"))
}

/// An administrator who asks.
pub(crate) fn administrator() -> Option<Actor> {
    Some(Actor::administrator("root", None))
}

/// A request to watch these mailboxes of the user.
pub(crate) fn watch(user_id: i64, mailbox_ids: &[i64]) -> WatchRequest {
    let watched = |&mailbox_id| WatchedMailbox {
        actor: actor(user_id),
        mailbox_id,
    };
    WatchRequest {
        watch: mailbox_ids.iter().map(watched).collect(),
        unwatch: Vec::new(),
    }
}

pub(crate) fn range(first: u32, last: u32) -> Vec<UidRange> {
    vec![UidRange { first, last }]
}
