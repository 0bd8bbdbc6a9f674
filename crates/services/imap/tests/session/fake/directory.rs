//! Two users.

use api::directory::v1::directory_server::Directory;
use api::directory::v1::*;
use api::grpc::{Request, Response, Status, async_trait};
use futures::stream::Empty;

use super::Store;

#[async_trait]
impl Directory for Store {
    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        self.called()?;
        let delay = *self.login_delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        let request = request.into_inner();
        assert_eq!(request.service, "imap");
        assert_eq!(request.peer_address, *self.peer.lock().unwrap());
        let user_id = match (request.login.as_str(), request.password.as_str()) {
            ("bob@example.test", "secret") => Some(1),
            ("alice@example.test", "secret") => Some(2),
            _ => None,
        };
        Ok(Response::new(AuthenticateResponse {
            user: user_id.map(|user_id| User {
                user_id,
                address: request.login,
                ..User::default()
            }),
            retry_after_seconds: 0,
            app_password: String::new(),
        }))
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

    async fn get_scram_parameters(
        &self,
        _: Request<GetScramParametersRequest>,
    ) -> Result<Response<GetScramParametersResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn verify_scram(
        &self,
        _: Request<VerifyScramRequest>,
    ) -> Result<Response<VerifyScramResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_login_methods(
        &self,
        _: Request<GetLoginMethodsRequest>,
    ) -> Result<Response<GetLoginMethodsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn verify_token(
        &self,
        _: Request<VerifyTokenRequest>,
    ) -> Result<Response<VerifyTokenResponse>, Status> {
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
