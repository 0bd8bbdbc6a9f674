//! A directory with two users.

use api::directory::v1::directory_server::Directory;
use api::directory::v1::*;
use api::grpc::{Request, Response, Status, Streaming, async_trait};
use fakes::{Answers, FakeAccount, FakeLogins};
use futures::stream::Empty;

use super::Store;

impl Store {
    fn logins(&self) -> FakeLogins {
        FakeLogins::new(true, |login| {
            let id = match login {
                "bob@example.test" => 1,
                "alice@example.test" => 2,
                _ => return Ok(FakeAccount::Nobody),
            };
            let password = "secret";
            Ok(FakeAccount::User { id, password })
        })
    }
}

#[async_trait]
impl Directory for Store {
    type LoginStream = Answers<LoginResponse>;
    type WatchMechanismsStream = Answers<Mechanisms>;

    async fn login(
        &self,
        request: Request<Streaming<LoginRequest>>,
    ) -> Result<Response<Self::LoginStream>, Status> {
        self.called()?;
        let delay = *self.login_delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        let look = |begin: &LoginBegin| {
            assert_eq!(begin.service, "imap");
            assert_eq!(begin.peer_address, *self.peer.lock().unwrap());
        };
        self.logins().login(request, look).await
    }

    async fn watch_mechanisms(
        &self,
        _: Request<WatchMechanismsRequest>,
    ) -> Result<Response<Self::WatchMechanismsStream>, Status> {
        self.logins().watch_mechanisms()
    }

    async fn add_user(&self, _: Request<AddUserRequest>) -> Result<Response<User>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_users(
        &self,
        _: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn remove_user(
        &self,
        _: Request<RemoveUserRequest>,
    ) -> Result<Response<RemoveUserResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn set_password(
        &self,
        _: Request<SetPasswordRequest>,
    ) -> Result<Response<SetPasswordResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn find_users(
        &self,
        _: Request<FindUsersRequest>,
    ) -> Result<Response<FindUsersResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type WatchUsersStream = Empty<Result<UserChange, Status>>;

    async fn watch_users(
        &self,
        _: Request<WatchUsersRequest>,
    ) -> Result<Response<Self::WatchUsersStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn add_app_password(
        &self,
        _: Request<AddAppPasswordRequest>,
    ) -> Result<Response<AddAppPasswordResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_app_passwords(
        &self,
        _: Request<ListAppPasswordsRequest>,
    ) -> Result<Response<ListAppPasswordsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn remove_app_password(
        &self,
        _: Request<RemoveAppPasswordRequest>,
    ) -> Result<Response<RemoveAppPasswordResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
