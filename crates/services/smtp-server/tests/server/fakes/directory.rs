//! A directory of users whose password is "secret".

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use api::directory::v1::directory_server::Directory;
use api::directory::v1::*;
use api::grpc::{Request, Response, Status, Streaming, async_trait};
use fakes::{Answers, FakeAccount, FakeLogins};
use futures::{Stream, StreamExt as _};
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;

/// A fake directory. Clones are the same directory.
#[derive(Clone)]
pub(crate) struct FakeDirectory {
    users: Arc<Mutex<HashSet<String>>>,
    changes: broadcast::Sender<UserChange>,
    /// How often it was asked for users.
    asked: Arc<AtomicUsize>,
    pub(crate) away: Arc<AtomicBool>,
    /// Offers tokens; the valid one is the user's local part.
    offers: Arc<AtomicBool>,
    watchers: watch::Sender<usize>,
}

impl FakeDirectory {
    pub(crate) fn new(users: &[&str]) -> Self {
        let users = users.iter().map(ToString::to_string).collect();
        Self {
            users: Arc::new(Mutex::new(users)),
            changes: broadcast::Sender::new(16),
            asked: Arc::default(),
            away: Arc::default(),
            offers: Arc::default(),
            watchers: watch::Sender::new(0),
        }
    }

    /// Offers more than passwords from now on.
    pub(crate) fn offer(&self) {
        self.offers.store(true, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits until a client watches users.
    pub(crate) async fn watched(&self) {
        let mut watchers = self.watchers.subscribe();
        watchers.wait_for(|count| *count > 0).await.unwrap();
    }

    pub(crate) fn remove(&self, address: &str) {
        self.users.lock().unwrap().remove(address);
        self.changes
            .send(UserChange {
                address: address.to_owned(),
                exists: false,
            })
            .unwrap();
    }

    fn logins(&self) -> FakeLogins {
        let directory = self.clone();
        let tokens = self.offers.load(Ordering::SeqCst);
        FakeLogins::new(tokens, move |login| {
            directory.here()?;
            if login == "throttled@example.test" {
                return Ok(FakeAccount::Throttled(9));
            }
            let known = directory.users.lock().unwrap().contains(login);
            Ok(match known {
                true => FakeAccount::User {
                    id: 1,
                    password: "secret",
                },
                false => FakeAccount::Nobody,
            })
        })
    }

    fn here(&self) -> Result<(), Status> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("secret cause"));
        }
        Ok(())
    }
}

fn not_asked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("smtp-server does not ask this"))
}

#[async_trait]
impl Directory for FakeDirectory {
    type WatchUsersStream = Pin<Box<dyn Stream<Item = Result<UserChange, Status>> + Send>>;

    type LoginStream = Answers<LoginResponse>;
    type WatchMechanismsStream = Answers<Mechanisms>;

    async fn login(
        &self,
        request: Request<Streaming<LoginRequest>>,
    ) -> Result<Response<Self::LoginStream>, Status> {
        self.here()?;
        self.logins()
            .login(request, |begin| assert_eq!(begin.service, "smtp"))
            .await
    }

    async fn watch_mechanisms(
        &self,
        _: Request<WatchMechanismsRequest>,
    ) -> Result<Response<Self::WatchMechanismsStream>, Status> {
        self.logins().watch_mechanisms()
    }

    async fn find_users(
        &self,
        request: Request<FindUsersRequest>,
    ) -> Result<Response<FindUsersResponse>, Status> {
        self.here()?;
        self.asked.fetch_add(1, Ordering::SeqCst);
        let users = self.users.lock().unwrap();
        let addresses = request.into_inner().addresses;
        Ok(Response::new(FindUsersResponse {
            found: addresses.iter().map(|a| users.contains(a)).collect(),
        }))
    }

    async fn watch_users(
        &self,
        _: Request<WatchUsersRequest>,
    ) -> Result<Response<Self::WatchUsersStream>, Status> {
        let changes = BroadcastStream::new(self.changes.subscribe())
            .map(|change| change.map_err(|_| Status::data_loss("behind")));
        self.watchers.send_modify(|count| *count += 1);
        Ok(Response::new(Box::pin(changes)))
    }

    async fn add_user(&self, _: Request<AddUserRequest>) -> Result<Response<User>, Status> {
        not_asked()
    }

    async fn list_users(
        &self,
        _: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        not_asked()
    }

    async fn remove_user(
        &self,
        _: Request<RemoveUserRequest>,
    ) -> Result<Response<RemoveUserResponse>, Status> {
        not_asked()
    }

    async fn set_password(
        &self,
        _: Request<SetPasswordRequest>,
    ) -> Result<Response<SetPasswordResponse>, Status> {
        not_asked()
    }

    async fn add_app_password(
        &self,
        _: Request<AddAppPasswordRequest>,
    ) -> Result<Response<AddAppPasswordResponse>, Status> {
        not_asked()
    }

    async fn list_app_passwords(
        &self,
        _: Request<ListAppPasswordsRequest>,
    ) -> Result<Response<ListAppPasswordsResponse>, Status> {
        not_asked()
    }

    async fn remove_app_password(
        &self,
        _: Request<RemoveAppPasswordRequest>,
    ) -> Result<Response<RemoveAppPasswordResponse>, Status> {
        not_asked()
    }
}
