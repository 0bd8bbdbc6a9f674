//! directory.v1.

use api::directory::v1::directory_server::Directory;
use api::directory::v1::{
    AddAppPasswordRequest, AddAppPasswordResponse, AddUserRequest, AuthenticateRequest,
    AuthenticateResponse, FindUsersRequest, FindUsersResponse, GetLoginMethodsRequest,
    GetLoginMethodsResponse, GetScramParametersRequest, GetScramParametersResponse,
    ListAppPasswordsRequest, ListAppPasswordsResponse, ListUsersRequest, ListUsersResponse,
    RemoveAppPasswordRequest, RemoveAppPasswordResponse, RemoveUserRequest, RemoveUserResponse,
    ScramHash, SetPasswordRequest, SetPasswordResponse, User, UserChange, VerifyScramRequest,
    VerifyScramResponse, VerifyTokenRequest, VerifyTokenResponse, WatchUsersRequest,
};
use api::grpc::{Request, Response, Status, async_trait};
use futures::stream;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use super::{Answers, streamed};
use crate::notices::UserNotice;
use crate::store::Store;
use crate::users::{
    self, Answer, AppPasswordName, Attempt, Hash, Logins, Page, Password, Passwords, Proof, Token,
    Tokens,
};
use crate::values::UserAddress;
use crate::{Error, Result};

/// Addresses in one FindUsers.
const MOST_ADDRESSES: usize = 10_000;

/// directory.v1 over a store.
#[derive(Debug)]
pub struct DirectoryService {
    store: Store,
    passwords: Passwords,
    logins: Logins,
    shutdown: CancellationToken,
}

impl DirectoryService {
    /// Must be made within a tokio runtime.
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
            logins,
            shutdown,
        }
    }
}

#[async_trait]
impl Directory for DirectoryService {
    type WatchUsersStream = Answers<UserChange>;

    async fn add_user(&self, request: Request<AddUserRequest>) -> Result<Response<User>, Status> {
        let request = request.into_inner();
        let address = UserAddress::parse(&request.address)?;
        let password = Password::parse(request.password)?;
        let user = users::add(&self.store, &self.passwords, &address, &password).await?;
        Ok(Response::new(user))
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let ListUsersRequest {
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
        let address = UserAddress::parse(&request.into_inner().address)?;
        users::remove(&self.store, &address).await?;
        Ok(Response::new(RemoveUserResponse {}))
    }

    async fn set_password(
        &self,
        request: Request<SetPasswordRequest>,
    ) -> Result<Response<SetPasswordResponse>, Status> {
        let request = request.into_inner();
        let address = UserAddress::parse(&request.address)?;
        let password = Password::parse(request.password)?;
        users::set_password(&self.store, &self.passwords, &address, &password).await?;
        Ok(Response::new(SetPasswordResponse {}))
    }

    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        let request = request.into_inner();
        // What cannot be a password is a wrong one.
        let Ok(password) = Password::parse(request.password) else {
            return Ok(Response::new(AuthenticateResponse::default()));
        };
        let attempt = Attempt {
            login: request.login,
            password,
            peer: request.peer_address,
        };
        let answer = self.logins.authenticate(&attempt).await?;
        note(&answer, &request.service, &attempt.peer);
        Ok(Response::new(match answer {
            Answer::Accepted(accepted) => AuthenticateResponse {
                user: Some(accepted.user),
                app_password: accepted.app_password.unwrap_or_default(),
                retry_after_seconds: 0,
            },
            Answer::Refused | Answer::Unfit(_) => AuthenticateResponse::default(),
            Answer::Later(retry_after_seconds) => AuthenticateResponse {
                retry_after_seconds,
                ..AuthenticateResponse::default()
            },
        }))
    }

    async fn get_scram_parameters(
        &self,
        request: Request<GetScramParametersRequest>,
    ) -> Result<Response<GetScramParametersResponse>, Status> {
        let login = request.into_inner().login;
        let (salt, iterations) = self.logins.scram_parameters(&login).await?;
        Ok(Response::new(GetScramParametersResponse {
            salt: salt.to_vec().into(),
            iterations,
        }))
    }

    async fn verify_scram(
        &self,
        request: Request<VerifyScramRequest>,
    ) -> Result<Response<VerifyScramResponse>, Status> {
        let request = request.into_inner();
        let hash = match request.hash() {
            ScramHash::Sha1 => Hash::Sha1,
            ScramHash::Sha256 => Hash::Sha256,
            ScramHash::Unspecified => return Err(Error::Invalid("hash is missing".into()).into()),
        };
        let proof = Proof {
            login: request.login,
            hash,
            auth_message: request.auth_message.to_vec(),
            proof: request.proof.to_vec(),
            peer: request.peer_address,
        };
        let answer = self.logins.verify_scram(&proof).await?;
        note(&answer, &request.service, &proof.peer);
        Ok(Response::new(match answer {
            Answer::Accepted(accepted) => VerifyScramResponse {
                user: Some(accepted.user),
                app_password: accepted.app_password.unwrap_or_default(),
                server_signature: accepted.signature.into(),
                retry_after_seconds: 0,
            },
            Answer::Refused | Answer::Unfit(_) => VerifyScramResponse::default(),
            Answer::Later(retry_after_seconds) => VerifyScramResponse {
                retry_after_seconds,
                ..VerifyScramResponse::default()
            },
        }))
    }

    async fn get_login_methods(
        &self,
        _: Request<GetLoginMethodsRequest>,
    ) -> Result<Response<GetLoginMethodsResponse>, Status> {
        Ok(Response::new(GetLoginMethodsResponse {
            tokens: self.logins.tokens().is_some(),
        }))
    }

    async fn verify_token(
        &self,
        request: Request<VerifyTokenRequest>,
    ) -> Result<Response<VerifyTokenResponse>, Status> {
        let request = request.into_inner();
        let token = Token {
            token: request.token,
            authorization: request.authorization,
        };
        let answer = self.logins.verify_token(&token).await?;
        note(&answer, &request.service, &request.peer_address);
        let mut response = VerifyTokenResponse::default();
        if let Some(tokens) = self.logins.tokens() {
            tokens.scope().clone_into(&mut response.scope);
            let configuration = tokens.openid_configuration();
            configuration.clone_into(&mut response.openid_configuration);
        }
        match answer {
            Answer::Accepted(accepted) => response.user = Some(accepted.user),
            Answer::Unfit(unfit) => {
                response.insufficient_scope = unfit.insufficient_scope;
                response.reason = unfit.reason;
            }
            Answer::Refused | Answer::Later(_) => {}
        }
        Ok(Response::new(response))
    }

    async fn add_app_password(
        &self,
        request: Request<AddAppPasswordRequest>,
    ) -> Result<Response<AddAppPasswordResponse>, Status> {
        let request = request.into_inner();
        let address = UserAddress::parse(&request.address)?;
        let name = AppPasswordName::parse(&request.name)?;
        let added = users::add_app_password(&self.store, &self.passwords, &address, &name);
        let password = added.await?;
        Ok(Response::new(AddAppPasswordResponse { password }))
    }

    async fn list_app_passwords(
        &self,
        request: Request<ListAppPasswordsRequest>,
    ) -> Result<Response<ListAppPasswordsResponse>, Status> {
        let address = UserAddress::parse(&request.into_inner().address)?;
        let passwords = users::list_app_passwords(&self.store, &address).await?;
        Ok(Response::new(ListAppPasswordsResponse { passwords }))
    }

    async fn remove_app_password(
        &self,
        request: Request<RemoveAppPasswordRequest>,
    ) -> Result<Response<RemoveAppPasswordResponse>, Status> {
        let request = request.into_inner();
        let address = UserAddress::parse(&request.address)?;
        let name = AppPasswordName::parse(&request.name)?;
        users::remove_app_password(&self.store, &address, &name).await?;
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
            // An error is the last answer.
            let state = change.is_ok().then_some((notices, shutdown));
            Some((change, state))
        }))
    }
}

/// The next change of who is a user. Fails when one may have been missed: what the caller has kept
/// is worth nothing then, and they begin again.
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

/// Counts and logs what became of a login. An application password stands in the log by its name.
fn note(answer: &Answer, service: &str, peer: &str) {
    let service = service_name(service);
    let outcome = match answer {
        Answer::Accepted(_) => "accepted",
        Answer::Refused | Answer::Unfit(_) => "refused",
        Answer::Later(_) => "slowed",
    };
    metrics::counter!("postern_mailbox_logins_total", "service" => service, "outcome" => outcome)
        .increment(1);
    match answer {
        Answer::Accepted(accepted) if accepted.app_password.is_some() => {
            let (name, user_id) = (accepted.app_password.as_deref(), accepted.user.user_id);
            tracing::info!(service, user_id, app_password = name, peer, "login");
        }
        // The front end logs that it was refused.
        Answer::Unfit(unfit) => tracing::debug!(service, peer, reason = unfit.reason, "login"),
        _ => tracing::debug!(service, outcome, peer, "login"),
    }
}

/// A label has few values.
fn service_name(name: &str) -> &'static str {
    match name {
        "imap" => "imap",
        "pop3" => "pop3",
        "smtp" => "smtp",
        _ => "other",
    }
}
