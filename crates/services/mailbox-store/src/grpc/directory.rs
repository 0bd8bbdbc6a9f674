//! directory.v1.

use std::sync::Arc;

use api::directory::v1::directory_server::Directory;
use api::directory::v1::{
    AddAppPasswordRequest, AddAppPasswordResponse, AddUserRequest, FindUsersRequest,
    FindUsersResponse, ListAppPasswordsRequest, ListAppPasswordsResponse, ListUsersRequest,
    ListUsersResponse, LoginRequest, LoginResponse, Mechanisms, RemoveAppPasswordRequest,
    RemoveAppPasswordResponse, RemoveUserRequest, RemoveUserResponse, SetPasswordRequest,
    SetPasswordResponse, User, UserChange, WatchMechanismsRequest, WatchUsersRequest,
};
use api::grpc::{Request, Response, Status, Streaming, async_trait};
use futures::{FutureExt, StreamExt, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::actor::{administrator, administrator_or_user};
use super::{Answers, login, streamed};
use crate::notices::UserNotice;
use crate::store::Store;
use crate::users::{self, AppPasswordName, Logins, Page, Password, Passwords, Tokens};
use crate::values::UserAddress;
use crate::{Error, Result};

/// Maximum number of addresses in one FindUsers.
const MOST_ADDRESSES: usize = 10_000;

/// directory.v1 over a store.
#[derive(Debug)]
pub struct DirectoryService {
    store: Store,
    passwords: Passwords,
    logins: Arc<Logins>,
    shutdown: CancellationToken,
}

impl DirectoryService {
    /// Must be called within a tokio runtime.
    pub fn new(
        store: Store,
        passwords: Passwords,
        tokens: Option<Tokens>,
        shutdown: CancellationToken,
    ) -> Self {
        let logins = Logins::new(store.for_logins(), passwords.clone(), tokens);
        Self {
            store,
            passwords,
            logins: Arc::new(logins),
            shutdown,
        }
    }
}

#[async_trait]
impl Directory for DirectoryService {
    type LoginStream = Answers<LoginResponse>;
    type WatchMechanismsStream = Answers<Mechanisms>;
    type WatchUsersStream = Answers<UserChange>;

    async fn add_user(&self, request: Request<AddUserRequest>) -> Result<Response<User>, Status> {
        let author = administrator(&request)?;
        let request = request.into_inner();
        let address = UserAddress::parse(&request.address)?;
        let password = Password::parse(request.password)?;
        let user = users::add(&self.store, &self.passwords, &address, &password).await?;
        tracing::info!(author, user = user.address, "a user was added");
        Ok(Response::new(user))
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        administrator(&request)?;
        let ListUsersRequest {
            actor: _,
            domain,
            after,
            limit,
        } = request.into_inner();
        let page = Page {
            domain,
            after,
            limit,
        };
        Ok(Response::new(users::list(&self.store, &page).await?))
    }

    async fn remove_user(
        &self,
        request: Request<RemoveUserRequest>,
    ) -> Result<Response<RemoveUserResponse>, Status> {
        let author = administrator(&request)?;
        let address = UserAddress::parse(&request.into_inner().address)?;
        users::remove(&self.store, &address).await?;
        tracing::info!(author, user = %address, "a user was removed");
        Ok(Response::new(RemoveUserResponse {}))
    }

    async fn set_password(
        &self,
        request: Request<SetPasswordRequest>,
    ) -> Result<Response<SetPasswordResponse>, Status> {
        let (by, author) = administrator_or_user(&request)?;
        let request = request.into_inner();
        let address = UserAddress::parse(&request.address)?;
        let password = Password::parse(request.password)?;
        users::set_password(&self.store, &self.passwords, by, &address, &password).await?;
        tracing::info!(author, user = %address, "a password was set");
        Ok(Response::new(SetPasswordResponse {}))
    }

    async fn login(
        &self,
        request: Request<Streaming<LoginRequest>>,
    ) -> Result<Response<Self::LoginStream>, Status> {
        let (answers, out) = mpsc::channel(1);
        let (logins, shutdown) = (Arc::clone(&self.logins), self.shutdown.clone());
        // In a separate task: attempts are counted even if nobody waits for the answer.
        tokio::spawn(login::serve(
            logins,
            request.into_inner(),
            answers,
            shutdown,
        ));
        streamed(ReceiverStream::new(out))
    }

    async fn watch_mechanisms(
        &self,
        _: Request<WatchMechanismsRequest>,
    ) -> Result<Response<Self::WatchMechanismsStream>, Status> {
        let names = self.logins.mechanisms().names().map(str::to_owned);
        let mechanisms = Mechanisms {
            names: names.collect(),
        };
        // Mechanisms come from the configuration: they change only with a restart.
        let stopped = self.shutdown.clone().cancelled_owned();
        let stopped = stopped.map(|()| Err(Error::Unavailable("mailbox-store is stopping".into())));
        streamed(stream::iter([Ok(mechanisms)]).chain(stopped.into_stream()))
    }

    async fn add_app_password(
        &self,
        request: Request<AddAppPasswordRequest>,
    ) -> Result<Response<AddAppPasswordResponse>, Status> {
        let (by, author) = administrator_or_user(&request)?;
        let request = request.into_inner();
        let address = UserAddress::parse(&request.address)?;
        let name = AppPasswordName::parse(&request.name)?;
        let added = users::add_app_password(&self.store, &self.passwords, by, &address, &name);
        let password = added.await?;
        tracing::info!(author, user = %address, name = request.name, "an application password was added");
        Ok(Response::new(AddAppPasswordResponse { password }))
    }

    async fn list_app_passwords(
        &self,
        request: Request<ListAppPasswordsRequest>,
    ) -> Result<Response<ListAppPasswordsResponse>, Status> {
        let (by, _) = administrator_or_user(&request)?;
        let address = UserAddress::parse(&request.into_inner().address)?;
        let passwords = users::list_app_passwords(&self.store, by, &address).await?;
        Ok(Response::new(ListAppPasswordsResponse { passwords }))
    }

    async fn remove_app_password(
        &self,
        request: Request<RemoveAppPasswordRequest>,
    ) -> Result<Response<RemoveAppPasswordResponse>, Status> {
        let (by, author) = administrator_or_user(&request)?;
        let request = request.into_inner();
        let address = UserAddress::parse(&request.address)?;
        let name = AppPasswordName::parse(&request.name)?;
        users::remove_app_password(&self.store, by, &address, &name).await?;
        tracing::info!(author, user = %address, name = request.name, "an application password was removed");
        Ok(Response::new(RemoveAppPasswordResponse {}))
    }

    async fn find_users(
        &self,
        request: Request<FindUsersRequest>,
    ) -> Result<Response<FindUsersResponse>, Status> {
        let addresses = request.into_inner().addresses;
        if addresses.len() > MOST_ADDRESSES {
            return Err(Error::Invalid("too many addresses at once".into()).into());
        }
        let found = users::find(&self.store.for_logins(), &addresses).await?;
        Ok(Response::new(FindUsersResponse { found }))
    }

    async fn watch_users(
        &self,
        _: Request<WatchUsersRequest>,
    ) -> Result<Response<Self::WatchUsersStream>, Status> {
        let state = Some((self.store.hub().users(), self.shutdown.clone()));
        streamed(stream::unfold(state, |state| async move {
            let (mut notices, shutdown) = state?;
            let stopped = || Err(Error::Unavailable("mailbox-store is stopping".into()));
            let change = shutdown
                .run_until_cancelled(next_change(&mut notices))
                .await
                .unwrap_or_else(stopped);
            // An error is the last item of the stream.
            let state = change.is_ok().then_some((notices, shutdown));
            Some((change, state))
        }))
    }
}

/// The next change of users. Fails if a change may have been missed: the caller's cache is then invalid, and
/// the caller starts again.
async fn next_change(notices: &mut Receiver<UserNotice>) -> Result<UserChange> {
    loop {
        match notices.recv().await {
            Ok(UserNotice::User { address, exists }) => return Ok(UserChange { address, exists }),
            Ok(UserNotice::Password { .. }) => {}
            Ok(UserNotice::Lost) | Err(_) => {
                return Err(Error::Unavailable(
                    "changes of users may have been missed".into(),
                ));
            }
        }
    }
}
