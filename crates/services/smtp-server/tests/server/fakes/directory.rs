//! A directory of users whose password is "secret".

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use api::directory::v1::directory_server::Directory;
use api::directory::v1::*;
use api::grpc::{Request, Response, Status, async_trait};
use futures::{Stream, StreamExt as _};
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;

use crate::scram;

/// See the module. Clones are the same directory.
#[derive(Clone)]
pub(crate) struct FakeDirectory {
    users: Arc<Mutex<HashSet<String>>>,
    changes: broadcast::Sender<UserChange>,
    /// How often it was asked for users.
    asked: Arc<AtomicUsize>,
    pub(crate) away: Arc<AtomicBool>,
    /// Tokens, a good one being the user's local part.
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

    /// From now on it has more than passwords to offer.
    pub(crate) fn offer(&self) {
        self.offers.store(true, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits until somebody watches.
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

    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        self.here()?;
        let AuthenticateRequest {
            login, password, ..
        } = request.into_inner();
        if login == "throttled@example.test" {
            return Ok(Response::new(AuthenticateResponse {
                user: None,
                retry_after_seconds: 9,
                app_password: String::new(),
            }));
        }
        let known = self.users.lock().unwrap().contains(&login) && password == "secret";
        Ok(Response::new(AuthenticateResponse {
            user: known.then(|| User {
                user_id: 1,
                address: login,
                ..User::default()
            }),
            retry_after_seconds: 0,
            app_password: String::new(),
        }))
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

    async fn get_scram_parameters(
        &self,
        _: Request<GetScramParametersRequest>,
    ) -> Result<Response<GetScramParametersResponse>, Status> {
        self.here()?;
        Ok(Response::new(GetScramParametersResponse {
            salt: scram::SALT.into(),
            iterations: scram::ITERATIONS.get(),
        }))
    }

    async fn verify_scram(
        &self,
        request: Request<VerifyScramRequest>,
    ) -> Result<Response<VerifyScramResponse>, Status> {
        self.here()?;
        let request = request.into_inner();
        assert_eq!(request.hash(), ScramHash::Sha256);
        let keys = scram::Keys::of("secret");
        let known = self.users.lock().unwrap().contains(&request.login);
        let holds = known && keys.proof(&request.auth_message) == *request.proof;
        Ok(Response::new(VerifyScramResponse {
            user: holds.then(|| User {
                address: request.login,
                ..User::default()
            }),
            server_signature: keys.signature(&request.auth_message).into(),
            ..VerifyScramResponse::default()
        }))
    }

    async fn get_login_methods(
        &self,
        _: Request<GetLoginMethodsRequest>,
    ) -> Result<Response<GetLoginMethodsResponse>, Status> {
        let offers = self.offers.load(Ordering::SeqCst);
        Ok(Response::new(GetLoginMethodsResponse { tokens: offers }))
    }

    async fn verify_token(
        &self,
        request: Request<VerifyTokenRequest>,
    ) -> Result<Response<VerifyTokenResponse>, Status> {
        self.here()?;
        let token = request.into_inner().token;
        let scope = token == "no-scope";
        let address = format!("{token}@example.test");
        let known = self.users.lock().unwrap().contains(&address);
        Ok(Response::new(VerifyTokenResponse {
            user: known.then(|| User {
                address,
                ..User::default()
            }),
            insufficient_scope: scope,
            scope: "mail".to_owned(),
            openid_configuration: "https://id.test/configuration".to_owned(),
            reason: "secret cause".to_owned(),
        }))
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
