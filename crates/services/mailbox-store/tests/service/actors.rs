//! Each call of mailbox.v1 by another actor: a user's mailboxes do not exist for other users.

use api::actor::v1::Actor;
use api::grpc::{Code, Status};
use api::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use api::mailbox::v1::search_key::Key;
use api::mailbox::v1::store_flags_request::Mode;
use api::mailbox::v1::{
    AppendRequest, CopyRequest, CreateMailboxRequest, DeleteMailboxRequest, ExpungeRequest,
    FetchRequest, Flags, GetChangesRequest, GetStatusRequest, ListMailboxesRequest,
    LockMaildropRequest, MailboxChange, ReadMessageRequest, RenameMailboxRequest, SearchKey,
    SearchRequest, SelectRequest, SetSubscribedRequest, StoreFlagsRequest,
};
use api::rights::SERVICES;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::running::{MESSAGE, Running, actor, range, watch};

/// The mailbox's owner, and another user.
struct Kit {
    running: Running,
    bob: i64,
    eve: i64,
    /// Bob's INBOX, with a message.
    inbox: i64,
    /// A name that only Bob has.
    name: &'static str,
}

impl Kit {
    async fn start() -> Self {
        let url = test_kit::Postgres::start().database().await;
        let mut running = Running::start(url).await;
        let bob = running.add_user("bob@example.test").await;
        let eve = running.add_user("eve@example.test").await;
        let name = "Secret";
        let create = CreateMailboxRequest {
            actor: actor(bob),
            name: name.into(),
            special_use: String::new(),
        };
        running.mailboxes.create_mailbox(create).await.unwrap();
        let append = append(actor(bob), "INBOX");
        running.mailboxes.append(append).await.unwrap();
        let (inbox, _) = running.select(bob, "INBOX").await;
        Self {
            running,
            bob,
            eve,
            inbox: inbox.mailbox_id,
            name,
        }
    }

    /// The result of this actor's call about Bob's data.
    async fn call(&self, name: &str, actor: Option<Actor>) -> Result<(), Status> {
        let mut client = self.running.mailboxes.clone();
        let (mailbox_id, uids, secret) = (self.inbox, range(1, 1), self.name.to_owned());
        match name {
            "ListMailboxes" => listed(&mut client, actor, self.name).await,
            "CreateMailbox" => {
                let (name, special_use) = (format!("{secret}/Below"), String::new());
                let request = CreateMailboxRequest {
                    actor,
                    name,
                    special_use,
                };
                client.create_mailbox(request).await.map(drop)
            }
            "DeleteMailbox" => {
                let request = DeleteMailboxRequest {
                    actor,
                    name: secret,
                };
                client.delete_mailbox(request).await.map(drop)
            }
            "RenameMailbox" => {
                let request = RenameMailboxRequest {
                    actor,
                    from: secret,
                    to: "Mine".into(),
                };
                client.rename_mailbox(request).await.map(drop)
            }
            "SetSubscribed" => {
                let request = SetSubscribedRequest {
                    actor,
                    name: secret,
                    subscribed: true,
                };
                client.set_subscribed(request).await.map(drop)
            }
            "GetStatus" => {
                let names = vec![secret];
                client
                    .get_status(GetStatusRequest { actor, names })
                    .await
                    .map(drop)
            }
            "Select" => {
                let request = SelectRequest {
                    actor,
                    name: secret,
                };
                client.select(request).await.map(drop)
            }
            "Append" => client.append(append(actor, self.name)).await.map(drop),
            "GetChanges" => {
                let request = GetChangesRequest {
                    actor,
                    mailbox_id,
                    since_modseq: 0,
                };
                client.get_changes(request).await.map(drop)
            }
            "Watch" => watched(&mut client, actor, mailbox_id).await,
            "Fetch" => {
                let request = FetchRequest {
                    actor,
                    mailbox_id,
                    uids,
                    header: true,
                    ..FetchRequest::default()
                };
                let mut answer = client.fetch(request).await?.into_inner();
                answer.message().await.map(drop)
            }
            "ReadMessage" => {
                let request = ReadMessageRequest {
                    actor,
                    mailbox_id,
                    uid: 1,
                    offset: 0,
                    length: 0,
                };
                let mut answer = client.read_message(request).await?.into_inner();
                answer.message().await.map(drop)
            }
            "Search" => {
                let request = SearchRequest {
                    actor,
                    mailbox_id,
                    key: Some(SearchKey {
                        key: Some(Key::All(true)),
                    }),
                    after: 0,
                };
                client.search(request).await.map(drop)
            }
            "StoreFlags" => {
                let request = StoreFlagsRequest {
                    actor,
                    mailbox_id,
                    uids,
                    mode: Mode::Add.into(),
                    flags: Some(Flags::default()),
                    unchanged_since: None,
                };
                client.store_flags(request).await.map(drop)
            }
            "Copy" | "Move" => {
                let request = CopyRequest {
                    actor,
                    mailbox_id,
                    uids,
                    to: "Sent".into(),
                };
                match name {
                    "Copy" => client.copy(request).await.map(drop),
                    _ => client.r#move(request).await.map(drop),
                }
            }
            "Expunge" => {
                let request = ExpungeRequest {
                    actor,
                    mailbox_id,
                    uids,
                };
                client.expunge(request).await.map(drop)
            }
            "LockMaildrop" => client
                .lock_maildrop(LockMaildropRequest { actor })
                .await
                .map(drop),
            other => panic!("{other} has no row here"),
        }
    }
}

fn append(actor: Option<Actor>, mailbox: &str) -> AppendRequest {
    let content = intake::content(MESSAGE).unwrap();
    AppendRequest {
        actor,
        mailbox: mailbox.into(),
        content: Some(content),
        flags: None,
        internal_date_ms: 0,
    }
}

type Client = MailboxStoreClient<api::grpc::Channel>;

/// Fails if the list does not have the name.
async fn listed(client: &mut Client, actor: Option<Actor>, name: &str) -> Result<(), Status> {
    let listed = client
        .list_mailboxes(ListMailboxesRequest { actor })
        .await?;
    let mut mailboxes = listed.into_inner().mailboxes.into_iter();
    match mailboxes.any(|mailbox| mailbox.name == name) {
        true => Ok(()),
        false => Err(Status::not_found("it is not listed")),
    }
}

/// Fails if the mailbox is reported as deleted.
async fn watched(client: &mut Client, actor: Option<Actor>, mailbox_id: i64) -> Result<(), Status> {
    let (requests, outbound) = mpsc::channel(1);
    let mut request = watch(0, &[mailbox_id]);
    request.watch[0].actor = actor;
    requests.send(request).await.unwrap();
    let mut notices = client
        .watch(ReceiverStream::new(outbound))
        .await?
        .into_inner();
    let first = test_kit::in_time("a notice", notices.message()).await?;
    let gone = MailboxChange {
        mailbox_id,
        highest_modseq: i64::MAX.unsigned_abs(),
    };
    match first.unwrap().changes == [gone] {
        true => Err(Status::not_found("it is no more")),
        false => Ok(()),
    }
}

/// Every call made for a user: all but deliveries and uploads.
fn calls() -> Vec<&'static str> {
    let (_, calls) = SERVICES
        .iter()
        .find(|(service, _)| *service == "postern.mailbox.v1.MailboxStore")
        .unwrap();
    let names = calls.iter().map(|(name, _)| *name);
    names
        .filter(|name| !["Deliver", "StoreText"].contains(name))
        .collect()
}

/// Bob's mailboxes with the ids, subscriptions and contents of each.
async fn of_bob(kit: &Kit) -> Vec<(i64, i64, String, i64, i64)> {
    sqlx::query_as(
        "SELECT m.mailbox_id, m.uid_validity, m.name, m.messages,
                (SELECT count(*) FROM mailbox.subscription s
                 WHERE s.user_id = m.user_id AND s.name = m.name)
         FROM mailbox.mailbox m WHERE m.user_id = $1 ORDER BY 1",
    )
    .bind(kit.bob)
    .fetch_all(&kit.running.pool)
    .await
    .unwrap()
}

/// Calls that work on the actor's own data and name no other user's.
const OF_ONES_OWN: [&str; 3] = ["CreateMailbox", "SetSubscribed", "LockMaildrop"];

#[tokio::test]
async fn no_call_opens_what_is_anothers() {
    let kit = Kit::start().await;
    let before = of_bob(&kit).await;
    for name in calls() {
        let nobody = kit.call(name, None).await.unwrap_err();
        assert_eq!(nobody.code(), Code::InvalidArgument, "{name}");
        if !OF_ONES_OWN.contains(&name) {
            let refused = kit.call(name, actor(kit.eve)).await.unwrap_err();
            assert_eq!(refused.code(), Code::NotFound, "{name}: {refused}");
        }
        assert_eq!(of_bob(&kit).await, before, "{name}");
    }
    // Afterwards: they make mailboxes of Eve's with these names.
    for name in OF_ONES_OWN {
        kit.call(name, actor(kit.eve)).await.unwrap();
        assert_eq!(of_bob(&kit).await, before, "{name}");
    }
    // LockMaildrop has locked Eve's maildrop: Bob's can be locked, below. All of this is for Bob only.
    let mut calls = calls();
    calls.sort_by_key(|name| match *name {
        "Move" | "RenameMailbox" => 1,
        _ => 0,
    });
    for name in calls.into_iter().filter(|name| *name != "DeleteMailbox") {
        kit.call(name, actor(kit.bob))
            .await
            .unwrap_or_else(|status| panic!("{name}: {status}"));
    }
}
