//! Shared by this crate's tests: a store on a new database, and mail for it.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};

use api::mailbox::v1::delivery_result::Status;
use api::mailbox::v1::{DeliveryResult, FetchResponse, FetchedMessage};
use api::message::v1::{Content, Summary, content};
use bytes::Bytes;
use prost::Message as _;
use sqlx::PgPool;
use tokio::sync::mpsc;
use volume::{NewBody, Text};

use crate::Result;
use crate::deliver::{Deliverer, Delivery};
use crate::messages::{self, Append, Change, Mode, Selected};
use crate::store::Store;
use crate::users::{self, Password, Passwords};
use crate::values::{Keywords, MailboxName, UidSet, UserAddress};

/// A store on a database of its own.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) deliverer: Deliverer,
    next_recipient: AtomicI64,
}

pub(crate) async fn pool(url: &str) -> PgPool {
    let options = crate::connection_options("test", 20);
    database::connect(url, &options).await.unwrap()
}

pub(crate) fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

pub(crate) fn uids(uids: &[u32]) -> UidSet {
    uids.iter().copied().collect()
}

/// With weak parameters, since their cost is not tested.
pub(crate) fn passwords() -> Passwords {
    Passwords::with_cost(8, 1, NonZeroU32::new(4096).unwrap()).unwrap()
}

pub(crate) fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

pub(crate) fn address(text: &str) -> UserAddress {
    UserAddress::parse(text).unwrap()
}

/// A message in its stored form.
pub(crate) fn scan(message: &[u8]) -> (Bytes, Bytes, Summary) {
    let content = content(message);
    let Some(content::Text::Inline(text)) = content.text else {
        panic!("the text goes inline");
    };
    (content.header, text, content.summary.unwrap())
}

pub(crate) fn content(message: &[u8]) -> Content {
    intake::content(message).unwrap()
}

pub(crate) fn stored_summary(summary: &Summary) -> volume::summaries::Summary {
    volume::summaries::Summary::new(summary.scanner_version, summary.encode_to_vec())
}

impl TestStore {
    pub(crate) async fn start() -> Self {
        let url = test_kit::Postgres::start().database().await;
        Self::at(url).await
    }

    pub(crate) async fn at(url: String) -> Self {
        let pool = pool(&url).await;
        crate::migrate(&pool).await.unwrap();
        let store = Store::new(pool);
        let deliverer = Deliverer::start(store.clone());
        Self {
            store,
            url,
            deliverer,
            next_recipient: AtomicI64::new(1),
        }
    }

    pub(crate) async fn user(&self, text: &str) -> i64 {
        users::add(
            &self.store,
            &passwords(),
            &address(text),
            &password("secret"),
        )
        .await
        .unwrap()
        .user_id
    }

    /// Stores a body, as the queue does.
    pub(crate) async fn body(&self, message: &[u8]) -> i64 {
        let id = self.store.body_ids().take(self.store.pool()).await.unwrap();
        let (header, text, summary) = scan(message);
        let body = NewBody {
            id,
            header,
            text: Text::Inline(text),
            summary: stored_summary(&summary),
            created_at: 0,
        };
        let mut connection = self.store.pool().acquire().await.unwrap();
        volume::insert(&mut connection, &[body]).await.unwrap();
        id
    }

    pub(crate) fn delivery(&self, user: &str, body_id: i64) -> Delivery {
        Delivery {
            recipient_id: self.next_recipient.fetch_add(1, Ordering::Relaxed),
            body_id,
            user: user.to_owned(),
            mailbox: MailboxName::inbox(),
            prefix: Bytes::from(format!("Delivered-To: {user}\r\n")),
            received_at: 1_700_000_000_000,
        }
    }

    pub(crate) async fn deliver(&self, deliveries: Vec<Delivery>) -> Vec<DeliveryResult> {
        self.deliverer.deliver(deliveries).await.unwrap()
    }

    pub(crate) async fn append(&self, user_id: i64, mailbox: &str, message: &[u8]) -> u32 {
        self.append_with(user_id, mailbox, message, 0, &[]).await
    }

    pub(crate) async fn append_with(
        &self,
        user_id: i64,
        mailbox: &str,
        message: &[u8],
        system: i32,
        keywords: &[&str],
    ) -> u32 {
        let mut append = Append::new(user_id, name(mailbox), content(message)).unwrap();
        append.system = system;
        append.keywords = self.keywords(keywords);
        append.internal_date = Some(1_700_000_000_000);
        messages::append(&self.store, &append).await.unwrap().uid
    }

    fn keywords(&self, names: &[&str]) -> Keywords {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Keywords::parse(&names).unwrap()
    }

    pub(crate) async fn flag(&self, mailbox_id: i64, set: &UidSet, mode: Mode, system: i32) {
        let change = Change {
            uids: set.clone(),
            mode,
            system,
            keywords: Keywords::default(),
            unchanged_since: None,
        };
        let owner = self.store.owners(&[mailbox_id]).await.unwrap()[&mailbox_id];
        messages::store_flags(&self.store, owner, mailbox_id, &change)
            .await
            .unwrap();
    }

    pub(crate) fn change(&self, set: &[u32], mode: Mode, system: i32, names: &[&str]) -> Change {
        Change {
            uids: uids(set),
            mode,
            system,
            keywords: self.keywords(names),
            unchanged_since: None,
        }
    }

    pub(crate) async fn select(&self, user_id: i64, mailbox: &str) -> Selected {
        messages::select(&self.store, user_id, &name(mailbox))
            .await
            .unwrap()
    }

    pub(crate) async fn mailbox_id(&self, user_id: i64, mailbox: &str) -> i64 {
        self.select(user_id, mailbox).await.state.mailbox_id
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(self.store.pool())
            .await
            .unwrap()
    }
}

/// All messages of a FETCH.
pub(crate) async fn all(
    mut answers: mpsc::Receiver<Result<FetchResponse>>,
) -> Result<Vec<FetchedMessage>> {
    let mut messages = Vec::new();
    while let Some(answer) = answers.recv().await {
        messages.extend(answer?.messages);
    }
    Ok(messages)
}

pub(crate) fn statuses(results: &[DeliveryResult]) -> Vec<(Status, u32)> {
    results
        .iter()
        .map(|result| (result.status(), result.uid))
        .collect()
}
