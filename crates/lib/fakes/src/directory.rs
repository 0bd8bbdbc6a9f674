//! A directory in memory: users whose passwords a test knows, and their logins ([`FakeLogins`]).
//!
//! One test logs in here and at mailbox-store and compares the answers
//! (`crates/services/mailbox-store/tests/service/fake_directory.rs`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use api::directory::v1::directory_server::Directory;
use api::directory::v1::{
    AddAppPasswordRequest, AddAppPasswordResponse, AddUserRequest, FindUsersRequest,
    FindUsersResponse, ListAppPasswordsRequest, ListAppPasswordsResponse, ListUsersRequest,
    ListUsersResponse, LoginBegin, LoginRequest, LoginResponse, Mechanisms,
    RemoveAppPasswordRequest, RemoveAppPasswordResponse, RemoveUserRequest, RemoveUserResponse,
    SetPasswordRequest, SetPasswordResponse, User, UserChange, WatchMechanismsRequest,
    WatchUsersRequest,
};
use api::grpc::{Request, Response, Status, Streaming, async_trait};
use futures::StreamExt as _;
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;

use crate::{Answer, Answers, FakeAccount, FakeLogins, not_asked};

type Hook = dyn Fn(&str) -> Result<Option<FakeAccount>, Status> + Send + Sync;

/// The directory. Clones are the same directory.
#[derive(Clone)]
pub struct FakeDirectory(Arc<Inner>);

struct Inner {
    state: Mutex<DirectoryState>,
    hook: Box<Hook>,
    changes: broadcast::Sender<UserChange>,
    watchers: watch::Sender<usize>,
}

/// Settings of the directory, and records of its calls, for a test.
#[derive(Default)]
pub struct DirectoryState {
    accounts: HashMap<String, FakeAccount>,
    service: &'static str,
    /// It accepts access tokens.
    pub tokens: bool,
    /// How long it takes to begin a login.
    pub login_delay: Duration,
    /// The error of every call but those for mechanisms and changes.
    pub failure: Option<Status>,
    /// Number of `FindUsers` calls.
    pub asked: usize,
    /// The logins that have begun.
    pub logins: Vec<LoginBegin>,
}

impl FakeDirectory {
    /// A directory of users with passwords. Their ids count from 1.
    pub fn new(users: &[(&str, &'static str)]) -> Self {
        Self::deciding(users, |_| Ok(None))
    }

    /// The same. `hook` is called first for each address, and may return its account.
    pub fn deciding(
        users: &[(&str, &'static str)],
        hook: impl Fn(&str) -> Result<Option<FakeAccount>, Status> + Send + Sync + 'static,
    ) -> Self {
        let accounts = (1..).zip(users).map(|(id, &(address, password))| {
            let account = FakeAccount::User { id, password };
            (address.to_owned(), account)
        });
        let state = DirectoryState {
            accounts: accounts.collect(),
            ..DirectoryState::default()
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            hook: Box::new(hook),
            changes: broadcast::Sender::new(16),
            watchers: watch::Sender::new(0),
        }))
    }

    /// The test fails if a login comes from another service.
    pub fn of_service(&self, service: &'static str) -> &Self {
        self.state().service = service;
        self
    }

    /// The settings and records.
    pub fn state(&self) -> MutexGuard<'_, DirectoryState> {
        self.0.state.lock().unwrap()
    }

    /// The clients' addresses of the logins.
    pub fn peers(&self) -> Vec<String> {
        let state = self.state();
        let logins = state.logins.iter();
        logins.map(|begin| begin.peer_address.clone()).collect()
    }

    /// Waits until a client watches the changes of users.
    pub async fn watched(&self) {
        let mut watchers = self.0.watchers.subscribe();
        watchers.wait_for(|count| *count > 0).await.unwrap();
    }

    /// Removes a user, and sends the change to the watching clients.
    pub fn remove(&self, address: &str) {
        self.state().accounts.remove(address);
        let change = UserChange {
            address: address.to_owned(),
            exists: false,
        };
        self.0.changes.send(change).unwrap();
    }

    fn find(&self, address: &str) -> Result<FakeAccount, Status> {
        self.works()?;
        if let Some(account) = (self.0.hook)(address)? {
            return Ok(account);
        }
        let account = self.state().accounts.get(address).cloned();
        Ok(account.unwrap_or(FakeAccount::Nobody))
    }

    fn works(&self) -> Result<(), Status> {
        self.state().failure.clone().map_or(Ok(()), Err)
    }

    fn logins(&self) -> FakeLogins {
        let directory = self.clone();
        let tokens = self.state().tokens;
        FakeLogins::new(tokens, move |address| directory.find(address))
    }
}

/// The service, with methods that no tested process calls.
macro_rules! with_not_implemented {
    ($($method:ident: $request:ty => $response:ty;)*) => {
        #[async_trait]
        impl Directory for FakeDirectory {
            type LoginStream = Answers<LoginResponse>;
            type WatchMechanismsStream = Answers<Mechanisms>;
            type WatchUsersStream = Answers<UserChange>;

            async fn login(
                &self,
                request: Request<Streaming<LoginRequest>>,
            ) -> Answer<Self::LoginStream> {
                let delay = self.state().login_delay;
                tokio::time::sleep(delay).await;
                self.works()?;
                let look = |begin: &LoginBegin| {
                    let mut state = self.state();
                    assert!(state.service.is_empty() || begin.service == state.service);
                    state.logins.push(begin.clone());
                };
                self.logins().login(request, look).await
            }

            async fn watch_mechanisms(
                &self,
                _: Request<WatchMechanismsRequest>,
            ) -> Answer<Self::WatchMechanismsStream> {
                self.logins().watch_mechanisms()
            }

            async fn find_users(
                &self,
                request: Request<FindUsersRequest>,
            ) -> Answer<FindUsersResponse> {
                self.works()?;
                self.state().asked += 1;
                let addresses = request.into_inner().addresses;
                let is_user = |address: &String| {
                    let account = self.find(address)?;
                    Ok::<_, Status>(matches!(account, FakeAccount::User { .. }))
                };
                let found = addresses.iter().map(is_user).collect::<Result<_, _>>()?;
                Ok(Response::new(FindUsersResponse { found }))
            }

            async fn watch_users(
                &self,
                _: Request<WatchUsersRequest>,
            ) -> Answer<Self::WatchUsersStream> {
                let changes = BroadcastStream::new(self.0.changes.subscribe())
                    .map(|change| change.map_err(|_| Status::data_loss("behind")));
                self.0.watchers.send_modify(|count| *count += 1);
                Ok(Response::new(Box::pin(changes)))
            }

            $(async fn $method(&self, _: Request<$request>) -> Answer<$response> {
                not_asked()
            })*
        }
    };
}

with_not_implemented! {
    add_user: AddUserRequest => User;
    list_users: ListUsersRequest => ListUsersResponse;
    remove_user: RemoveUserRequest => RemoveUserResponse;
    set_password: SetPasswordRequest => SetPasswordResponse;
    add_app_password: AddAppPasswordRequest => AddAppPasswordResponse;
    list_app_passwords: ListAppPasswordsRequest => ListAppPasswordsResponse;
    remove_app_password: RemoveAppPasswordRequest => RemoveAppPasswordResponse;
}
