//! A directory that only knows which users exist.

use api::directory::v1::directory_server::Directory;
use api::directory::v1::{
    AddAppPasswordRequest, AddAppPasswordResponse, AddUserRequest, FindUsersRequest,
    FindUsersResponse, ListAppPasswordsRequest, ListAppPasswordsResponse, ListUsersRequest,
    ListUsersResponse, LoginRequest, LoginResponse, Mechanisms, RemoveAppPasswordRequest,
    RemoveAppPasswordResponse, RemoveUserRequest, RemoveUserResponse, SetPasswordRequest,
    SetPasswordResponse, User, UserChange, WatchMechanismsRequest, WatchUsersRequest,
};
use api::grpc::{Request, Response, Status, Streaming, async_trait};

use crate::{Answer, Answers, not_asked};

/// Serves as a directory a function that returns whether a user exists.
#[derive(Debug)]
pub struct FakeDirectory<F>(pub F);

/// Unimplemented methods of the directory.
macro_rules! not_implemented {
    ($($method:ident: $request:ty => $response:ty;)*) => {
        #[async_trait]
        impl<F> Directory for FakeDirectory<F>
        where
            F: Fn(&str) -> Result<bool, Status> + Send + Sync + 'static,
        {
            type LoginStream = Answers<LoginResponse>;
            type WatchMechanismsStream = Answers<Mechanisms>;
            type WatchUsersStream = Answers<UserChange>;

            async fn find_users(
                &self,
                request: Request<FindUsersRequest>,
            ) -> Answer<FindUsersResponse> {
                let addresses = request.into_inner().addresses;
                let found: Result<_, Status> =
                    addresses.iter().map(|address| (self.0)(address)).collect();
                Ok(Response::new(FindUsersResponse { found: found? }))
            }

            async fn watch_users(
                &self,
                _request: Request<WatchUsersRequest>,
            ) -> Answer<Self::WatchUsersStream> {
                not_asked()
            }

            async fn login(
                &self,
                _request: Request<Streaming<LoginRequest>>,
            ) -> Answer<Self::LoginStream> {
                not_asked()
            }

            async fn watch_mechanisms(
                &self,
                _request: Request<WatchMechanismsRequest>,
            ) -> Answer<Self::WatchMechanismsStream> {
                not_asked()
            }

            $(async fn $method(&self, _request: Request<$request>) -> Answer<$response> {
                not_asked()
            })*
        }
    };
}

not_implemented! {
    add_user: AddUserRequest => User;
    list_users: ListUsersRequest => ListUsersResponse;
    remove_user: RemoveUserRequest => RemoveUserResponse;
    set_password: SetPasswordRequest => SetPasswordResponse;
    add_app_password: AddAppPasswordRequest => AddAppPasswordResponse;
    list_app_passwords: ListAppPasswordsRequest => ListAppPasswordsResponse;
    remove_app_password: RemoveAppPasswordRequest => RemoveAppPasswordResponse;
}
