//! A directory with one user, bob.

use api::directory::v1::directory_server::Directory;
use api::directory::v1::*;
use api::grpc::{Request, Response, Status, Streaming, async_trait};
use fakes::{Answers, FakeAccount, FakeLogins};
use tokio_stream::Empty;

use super::Shared;

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not part of the fake"))
}

fn logins(shared: Shared) -> FakeLogins {
    FakeLogins::new(true, move |login| {
        if shared.0.lock().unwrap().down {
            return Err(Status::unavailable("postgres is away, password hunter2"));
        }
        Ok(match login {
            "bob@example.test" => FakeAccount::User {
                id: 1,
                password: "pass word",
            },
            _ => FakeAccount::Nobody,
        })
    })
}

#[async_trait]
impl Directory for Shared {
    type WatchUsersStream = Empty<Result<UserChange, Status>>;
    type LoginStream = Answers<LoginResponse>;
    type WatchMechanismsStream = Answers<Mechanisms>;

    async fn login(
        &self,
        request: Request<Streaming<LoginRequest>>,
    ) -> Result<Response<Self::LoginStream>, Status> {
        let delay = self.0.lock().unwrap().login_delay;
        tokio::time::sleep(delay).await;
        let look = |begin: &LoginBegin| {
            assert_eq!(begin.service, "pop3");
            let peer = begin.peer_address.clone();
            self.0.lock().unwrap().peers.push(peer);
        };
        logins(self.clone()).login(request, look).await
    }

    async fn watch_mechanisms(
        &self,
        _: Request<WatchMechanismsRequest>,
    ) -> Result<Response<Self::WatchMechanismsStream>, Status> {
        logins(self.clone()).watch_mechanisms()
    }

    async fn add_user(&self, _: Request<AddUserRequest>) -> Result<Response<User>, Status> {
        no()
    }
    async fn list_users(
        &self,
        _: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        no()
    }
    async fn remove_user(
        &self,
        _: Request<RemoveUserRequest>,
    ) -> Result<Response<RemoveUserResponse>, Status> {
        no()
    }
    async fn set_password(
        &self,
        _: Request<SetPasswordRequest>,
    ) -> Result<Response<SetPasswordResponse>, Status> {
        no()
    }
    async fn find_users(
        &self,
        _: Request<FindUsersRequest>,
    ) -> Result<Response<FindUsersResponse>, Status> {
        no()
    }
    async fn watch_users(
        &self,
        _: Request<WatchUsersRequest>,
    ) -> Result<Response<Self::WatchUsersStream>, Status> {
        no()
    }

    async fn add_app_password(
        &self,
        _: Request<AddAppPasswordRequest>,
    ) -> Result<Response<AddAppPasswordResponse>, Status> {
        no()
    }

    async fn list_app_passwords(
        &self,
        _: Request<ListAppPasswordsRequest>,
    ) -> Result<Response<ListAppPasswordsResponse>, Status> {
        no()
    }

    async fn remove_app_password(
        &self,
        _: Request<RemoveAppPasswordRequest>,
    ) -> Result<Response<RemoveAppPasswordResponse>, Status> {
        no()
    }
}
