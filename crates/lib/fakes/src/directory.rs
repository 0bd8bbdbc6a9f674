//! A directory that knows who is a user, and nothing else.

use api::directory::v1::directory_server::Directory;
use api::directory::v1::{
    AddAppPasswordRequest, AddAppPasswordResponse, AddUserRequest, AuthenticateRequest,
    AuthenticateResponse, FindUsersRequest, FindUsersResponse, GetLoginMethodsRequest,
    GetLoginMethodsResponse, GetScramParametersRequest, GetScramParametersResponse,
    ListAppPasswordsRequest, ListAppPasswordsResponse, ListUsersRequest, ListUsersResponse,
    RemoveAppPasswordRequest, RemoveAppPasswordResponse, RemoveUserRequest, RemoveUserResponse,
    SetPasswordRequest, SetPasswordResponse, User, UserChange, VerifyScramRequest,
    VerifyScramResponse, VerifyTokenRequest, VerifyTokenResponse, WatchUsersRequest,
};
use api::grpc::{Request, Response, Status, async_trait};

use crate::{Answer, Answers, not_asked};

/// Serves a function that says whether there is a user of an address as a directory.
#[derive(Debug)]
pub struct FakeDirectory<F>(pub F);

/// Methods of the directory that are not implemented.
macro_rules! not_implemented {
    ($($method:ident: $request:ty => $response:ty;)*) => {
        #[async_trait]
        impl<F> Directory for FakeDirectory<F>
        where
            F: Fn(&str) -> Result<bool, Status> + Send + Sync + 'static,
        {
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
    authenticate: AuthenticateRequest => AuthenticateResponse;
    get_scram_parameters: GetScramParametersRequest => GetScramParametersResponse;
    verify_scram: VerifyScramRequest => VerifyScramResponse;
    get_login_methods: GetLoginMethodsRequest => GetLoginMethodsResponse;
    verify_token: VerifyTokenRequest => VerifyTokenResponse;
    add_app_password: AddAppPasswordRequest => AddAppPasswordResponse;
    list_app_passwords: ListAppPasswordsRequest => ListAppPasswordsResponse;
    remove_app_password: RemoveAppPasswordRequest => RemoveAppPasswordResponse;
}
