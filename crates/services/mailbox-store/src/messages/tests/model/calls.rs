//! A call to a store, and its result in a form that allows comparison.

use api::actor::v1::Actor;
use api::grpc::{Code, Request, Response, Status};
use api::mailbox::v1::mailbox_store_server::MailboxStore;
use api::mailbox::v1::store_flags_request::Mode;
use api::mailbox::v1::*;
use futures::{Stream, TryStreamExt as _};

use super::steps::MESSAGES;
use crate::test_store::content;

/// Mailboxes are named by their index among the known ones.
#[derive(Debug, Clone)]
pub(super) enum Call {
    List,
    Create {
        name: String,
        special_use: String,
    },
    Delete {
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Subscribe {
        name: String,
        subscribed: bool,
    },
    Status {
        names: Vec<String>,
    },
    Select {
        name: String,
    },
    Changes {
        mailbox: usize,
        since: u64,
    },
    /// Its `mailbox_id` is such an index.
    Fetch(FetchRequest),
    Read {
        mailbox: usize,
        uid: u32,
        offset: u64,
        length: u64,
    },
    Search {
        mailbox: usize,
        key: SearchKey,
        after: u32,
    },
    Append {
        name: String,
        message: usize,
        flags: Flags,
        day: i64,
    },
    Store {
        mailbox: usize,
        uids: Vec<UidRange>,
        mode: Mode,
        flags: Flags,
        unchanged_since: Option<u64>,
    },
    Expunge {
        mailbox: usize,
        uids: Vec<UidRange>,
    },
    Copy {
        mailbox: usize,
        uids: Vec<UidRange>,
        to: String,
        removing: bool,
    },
}

/// The ids of one store.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) user: i64,
    pub(super) mailboxes: Vec<i64>,
}

impl Ids {
    fn mailbox(&self, place: usize) -> i64 {
        self.mailboxes[place % self.mailboxes.len()]
    }
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CallResult {
    Done,
    Mailboxes(Vec<Mailbox>),
    Deleted(DeleteMailboxResponse),
    States(Vec<MailboxState>),
    Selected(SelectResponse),
    Changes(GetChangesResponse),
    Fetched(Vec<FetchedMessage>),
    Octets(Vec<u8>),
    /// UIDs and the highest MODSEQ.
    Found(Vec<u32>, u64),
    Stored(StoreFlagsResponse),
    Appended(AppendResponse),
    Copied(CopyResponse),
    Expunged(ExpungeResponse),
}

/// Replaces UIDVALIDITY, which differs between any two mailboxes.
const SOME: u32 = 1;

impl CallResult {
    /// The same call with other mailbox ids.
    pub(super) fn with_ids(mut self, id: impl Fn(i64) -> i64) -> Self {
        match &mut self {
            Self::Mailboxes(mailboxes) => {
                for mailbox in mailboxes {
                    mailbox.mailbox_id = id(mailbox.mailbox_id);
                }
            }
            Self::Deleted(deleted) => deleted.mailbox_id = id(deleted.mailbox_id),
            Self::States(states) => {
                for state in states {
                    state.mailbox_id = id(state.mailbox_id);
                }
            }
            Self::Selected(SelectResponse { state, .. })
            | Self::Changes(GetChangesResponse { state, .. }) => {
                if let Some(state) = state {
                    state.mailbox_id = id(state.mailbox_id);
                }
            }
            Self::Appended(appended) => appended.mailbox_id = id(appended.mailbox_id),
            Self::Copied(copied) => copied.mailbox_id = id(copied.mailbox_id),
            Self::Done
            | Self::Fetched(_)
            | Self::Octets(_)
            | Self::Found(..)
            | Self::Stored(_)
            | Self::Expunged(_) => {}
        }
        self
    }
}

/// Makes the call.
pub(super) async fn make<S: MailboxStore>(
    store: &S,
    call: &Call,
    ids: &Ids,
) -> Result<CallResult, Code> {
    call_result(store, call.clone(), ids)
        .await
        .map_err(|status| status.code())
}

async fn call_result<S: MailboxStore>(
    store: &S,
    call: Call,
    ids: &Ids,
) -> Result<CallResult, Status> {
    let actor = || Some(Actor::user(ids.user, "", "192.0.2.1"));
    Ok(match call {
        Call::List => {
            let request = ListMailboxesRequest { actor: actor() };
            let listed = store.list_mailboxes(Request::new(request)).await?;
            let mut mailboxes = listed.into_inner().mailboxes;
            mailboxes
                .iter_mut()
                .for_each(|one| one.uid_validity = some(one.uid_validity));
            CallResult::Mailboxes(mailboxes)
        }
        Call::Create { name, special_use } => {
            let request = CreateMailboxRequest {
                actor: actor(),
                name,
                special_use,
            };
            // Its id is compared once both are known.
            store.create_mailbox(Request::new(request)).await?;
            CallResult::Done
        }
        Call::Delete { name } => {
            let request = DeleteMailboxRequest {
                actor: actor(),
                name,
            };
            CallResult::Deleted(
                store
                    .delete_mailbox(Request::new(request))
                    .await?
                    .into_inner(),
            )
        }
        Call::Rename { from, to } => {
            let request = RenameMailboxRequest {
                actor: actor(),
                from,
                to,
            };
            store.rename_mailbox(Request::new(request)).await?;
            CallResult::Done
        }
        Call::Subscribe { name, subscribed } => {
            let request = SetSubscribedRequest {
                actor: actor(),
                name,
                subscribed,
            };
            store.set_subscribed(Request::new(request)).await?;
            CallResult::Done
        }
        Call::Status { names } => {
            let request = GetStatusRequest {
                actor: actor(),
                names,
            };
            let states = store
                .get_status(Request::new(request))
                .await?
                .into_inner()
                .states;
            CallResult::States(states.into_iter().map(state).collect())
        }
        Call::Select { name } => {
            select(
                store,
                SelectRequest {
                    actor: actor(),
                    name,
                },
            )
            .await?
        }
        Call::Changes { mailbox, since } => {
            let request = GetChangesRequest {
                actor: actor(),
                mailbox_id: ids.mailbox(mailbox),
                since_modseq: since,
            };
            let mut changes = store.get_changes(Request::new(request)).await?.into_inner();
            changes.state = changes.state.map(state);
            CallResult::Changes(changes)
        }
        Call::Fetch(mut request) => {
            request.actor = actor();
            request.mailbox_id = ids.mailbox(usize::try_from(request.mailbox_id).unwrap());
            fetch(store, request).await?
        }
        Call::Read {
            mailbox,
            uid,
            offset,
            length,
        } => {
            let request = ReadMessageRequest {
                actor: actor(),
                mailbox_id: ids.mailbox(mailbox),
                uid,
                offset,
                length,
            };
            let pieces = all(store.read_message(Request::new(request)).await?).await?;
            CallResult::Octets(pieces.into_iter().flat_map(|piece| piece.data).collect())
        }
        Call::Search {
            mailbox,
            key,
            after,
        } => search(store, actor(), ids.mailbox(mailbox), key, after).await?,
        Call::Append {
            name,
            message,
            flags,
            day,
        } => {
            let request = AppendRequest {
                actor: actor(),
                mailbox: name,
                content: Some(content(MESSAGES[message])),
                flags: Some(flags),
                internal_date_ms: day * 86_400_000,
            };
            let mut appended = store.append(Request::new(request)).await?.into_inner();
            appended.uid_validity = some(appended.uid_validity);
            CallResult::Appended(appended)
        }
        Call::Store {
            mailbox,
            uids,
            mode,
            flags,
            unchanged_since,
        } => {
            let request = StoreFlagsRequest {
                actor: actor(),
                mailbox_id: ids.mailbox(mailbox),
                uids,
                mode: mode.into(),
                flags: Some(flags),
                unchanged_since,
            };
            CallResult::Stored(store.store_flags(Request::new(request)).await?.into_inner())
        }
        Call::Expunge { mailbox, uids } => {
            let request = ExpungeRequest {
                actor: actor(),
                mailbox_id: ids.mailbox(mailbox),
                uids,
            };
            CallResult::Expunged(store.expunge(Request::new(request)).await?.into_inner())
        }
        Call::Copy {
            mailbox,
            uids,
            to,
            removing,
        } => {
            let request = Request::new(CopyRequest {
                actor: actor(),
                mailbox_id: ids.mailbox(mailbox),
                uids,
                to,
            });
            let copied = if removing {
                store.r#move(request).await?
            } else {
                store.copy(request).await?
            };
            let mut copied = copied.into_inner();
            copied.uid_validity = some(copied.uid_validity);
            CallResult::Copied(copied)
        }
    })
}

/// Joins all pieces.
async fn select<S: MailboxStore>(store: &S, request: SelectRequest) -> Result<CallResult, Status> {
    let answers = all(store.select(Request::new(request)).await?).await?;
    let mut answers = answers.into_iter();
    let mut whole = answers.next().unwrap();
    whole
        .messages
        .extend(answers.flat_map(|answer| answer.messages));
    whole.state = whole.state.map(state);
    // The order is that of arrival; within one message there is none.
    whole.keywords.sort();
    Ok(CallResult::Selected(whole))
}

async fn fetch<S: MailboxStore>(store: &S, request: FetchRequest) -> Result<CallResult, Status> {
    let parts = request.parts;
    let answers = all(store.fetch(Request::new(request)).await?).await?;
    let messages = answers.into_iter().flat_map(|answer| answer.messages);
    let promised = messages.map(|message| FetchedMessage {
        prefix_size: if parts { message.prefix_size } else { 0 },
        ..message
    });
    Ok(CallResult::Fetched(promised.collect()))
}

/// Continues to the end of the search.
async fn search<S: MailboxStore>(
    store: &S,
    actor: Option<Actor>,
    mailbox_id: i64,
    key: SearchKey,
    mut after: u32,
) -> Result<CallResult, Status> {
    let (mut uids, mut highest) = (Vec::new(), 0);
    loop {
        let request = SearchRequest {
            actor: actor.clone(),
            mailbox_id,
            key: Some(key.clone()),
            after,
        };
        let found = store.search(Request::new(request)).await?.into_inner();
        uids.extend(found.uids);
        highest = highest.max(found.highest_modseq);
        after = found.looked_at_to;
        if after == 0 {
            return Ok(CallResult::Found(uids, highest));
        }
    }
}

async fn all<T>(
    answers: Response<impl Stream<Item = Result<T, Status>>>,
) -> Result<Vec<T>, Status> {
    answers.into_inner().try_collect().await
}

fn state(state: MailboxState) -> MailboxState {
    MailboxState {
        uid_validity: some(state.uid_validity),
        ..state
    }
}

fn some(uid_validity: u32) -> u32 {
    if uid_validity == 0 { 0 } else { SOME }
}
