//! Who may log in: bob.

use api::directory::v1::directory_server::Directory;
use api::directory::v1::*;
use api::grpc::{Request, Response, Status, async_trait};
use tokio_stream::Empty;

use super::Shared;

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not part of the fake"))
}

#[async_trait]
impl Directory for Shared {
    type WatchUsersStream = Empty<Result<UserChange, Status>>;

    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        let delay = self.0.lock().unwrap().login_delay;
        tokio::time::sleep(delay).await;
        let request = request.into_inner();
        self.0.lock().unwrap().peers.push(request.peer_address);
        if self.0.lock().unwrap().down {
            return Err(Status::unavailable("postgres is away, password hunter2"));
        }
        let user =
            (request.login == "bob@example.test" && request.password == "pass word").then(|| {
                User {
                    user_id: 1,
                    address: request.login,
                    ..User::default()
                }
            });
        Ok(Response::new(AuthenticateResponse {
            user,
            retry_after_seconds: 0,
            app_password: String::new(),
        }))
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

    async fn get_scram_parameters(
        &self,
        _: Request<GetScramParametersRequest>,
    ) -> Result<Response<GetScramParametersResponse>, Status> {
        no()
    }

    async fn verify_scram(
        &self,
        _: Request<VerifyScramRequest>,
    ) -> Result<Response<VerifyScramResponse>, Status> {
        no()
    }

    async fn get_login_methods(
        &self,
        _: Request<GetLoginMethodsRequest>,
    ) -> Result<Response<GetLoginMethodsResponse>, Status> {
        no()
    }

    async fn verify_token(
        &self,
        _: Request<VerifyTokenRequest>,
    ) -> Result<Response<VerifyTokenResponse>, Status> {
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
