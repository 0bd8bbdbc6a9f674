//! The directory's login exchange, for the users of a test.

use std::sync::Arc;

use api::directory::v1::login_request::Step as Request;
use api::directory::v1::login_response::Step as Response;
use api::directory::v1::{
    LoginAccepted, LoginBegin, LoginRefusal, LoginRefused, LoginRequest, LoginResponse, Mechanisms,
};
use api::grpc::{self, Status, Streaming};
use futures::stream;
use sasl::{Bindings, ConnectionState, Exchange, Hash, ScramProof, Step, TokenFault, TokenRefusal};
use test_kit::ScramKeys;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{Answer, Answers};

const SALT: &[u8] = b"salt";
const ITERATIONS: u32 = 4096;
const NONCE: &str = "0123456789ABCDEFGHJKMNPQ";

/// An account.
#[derive(Clone, Debug)]
pub enum FakeAccount {
    /// A user with a password.
    User {
        /// The user's id.
        id: i64,
        /// The password.
        password: &'static str,
    },
    /// No such user.
    Nobody,
    /// Throttled after too many failed attempts: seconds to wait.
    Throttled(u32),
}

type Find = dyn Fn(&str) -> Result<FakeAccount, Status> + Send + Sync;

/// Logins of these users with every mechanism. A valid token is a user's local part in the domain
/// `example.test`; `no-scope` is a token without the scope. The cause of a refusal is "secret cause".
#[derive(Clone)]
pub struct FakeLogins {
    find: Arc<Find>,
    /// Whether access tokens are supported.
    pub tokens: bool,
}

impl FakeLogins {
    /// For the users that `find` returns by address.
    pub fn new(
        tokens: bool,
        find: impl Fn(&str) -> Result<FakeAccount, Status> + Send + Sync + 'static,
    ) -> Self {
        Self {
            find: Arc::new(find),
            tokens,
        }
    }

    fn mechanisms(&self) -> sasl::Mechanisms {
        match self.tokens {
            true => sasl::Mechanisms::ALL,
            false => sasl::Mechanisms::ALL.without_tokens(),
        }
    }

    /// The method `WatchMechanisms`: the current mechanisms, without later changes.
    pub fn watch_mechanisms(&self) -> Answer<Answers<Mechanisms>> {
        let names = self.mechanisms().names().map(str::to_owned).collect();
        let first = stream::iter([Ok(Mechanisms { names })]);
        let answers = futures::StreamExt::chain(first, stream::pending());
        Ok(grpc::Response::new(Box::pin(answers)))
    }

    /// The method `Login`; `look` receives its first request.
    pub async fn login(
        &self,
        request: grpc::Request<Streaming<LoginRequest>>,
        look: impl FnOnce(&LoginBegin),
    ) -> Answer<Answers<LoginResponse>> {
        let mut requests = request.into_inner();
        let Some(Request::Begin(begin)) = next(&mut requests).await else {
            panic!("a login begins with its mechanism");
        };
        look(&begin);
        let (answers, queued) = mpsc::channel(1);
        let login = Login::new(self.clone(), begin);
        tokio::spawn(login.serve(requests, answers));
        Ok(grpc::Response::new(Box::pin(ReceiverStream::new(queued))))
    }
}

async fn next(requests: &mut Streaming<LoginRequest>) -> Option<Request> {
    requests.message().await.ok().flatten()?.step
}

struct Login {
    logins: FakeLogins,
    begin: LoginBegin,
    exchange: Exchange,
    name: String,
    proved: Option<LoginAccepted>,
}

impl Login {
    fn new(logins: FakeLogins, begin: LoginBegin) -> Self {
        let binding = |octets: &[u8]| (!octets.is_empty()).then(|| octets.to_vec());
        let bindings = Bindings {
            exporter: binding(&begin.tls_exporter),
            server_end_point: binding(&begin.tls_server_end_point),
        };
        let state = ConnectionState {
            tls: begin.tls,
            bindings: bindings.is_some(),
            certificate: !begin.certificate_addresses.is_empty(),
        };
        let offered = logins.mechanisms().on(state).named(&begin.mechanism);
        let mechanism = offered.unwrap_or_else(|| panic!("{} is not offered", begin.mechanism));
        Self {
            logins,
            begin,
            exchange: Exchange::new(mechanism, bindings),
            name: String::new(),
            proved: None,
        }
    }

    async fn serve(
        mut self,
        mut requests: Streaming<LoginRequest>,
        answers: mpsc::Sender<Result<LoginResponse, Status>>,
    ) {
        let mut step = match self.begin.initial_response.clone() {
            Some(initial) => self.respond(&initial),
            None => {
                let step = self.exchange.begin();
                self.follow(step)
            }
        };
        loop {
            let is_last = !matches!(step, Ok(Response::Challenge(_)));
            let answer = step.map(|step| LoginResponse { step: Some(step) });
            if answers.send(answer).await.is_err() || is_last {
                return;
            }
            let Some(Request::Response(response)) = next(&mut requests).await else {
                return;
            };
            step = self.respond(&response);
        }
    }

    fn respond(&mut self, response: &[u8]) -> Result<Response, Status> {
        match self.exchange.respond(response) {
            Ok(step) => self.follow(step),
            Err(sasl::Fault::Malformed) => Ok(self.refused(LoginRefusal::Malformed)),
            Err(sasl::Fault::Mismatch) => Ok(self.refused(LoginRefusal::Wrong)),
        }
    }

    fn follow(&mut self, step: Step) -> Result<Response, Status> {
        Ok(match step {
            Step::Challenge(challenge) => Response::Challenge(challenge.into()),
            Step::Password(credentials) => {
                self.name.clone_from(&credentials.login);
                let Ok(()) = may_act(&credentials.authorization, &credentials.login) else {
                    return Ok(self.refused(LoginRefusal::ForAnother));
                };
                self.check(|known| known == credentials.password)?
            }
            Step::Parameters(login) => {
                self.name = login.login;
                let challenge = self.exchange.parameters(SALT, ITERATIONS, NONCE).unwrap();
                Response::Challenge(challenge.into())
            }
            Step::Proof(proof) => self.proof(&proof)?,
            Step::Done => Response::Accepted(self.proved.take().unwrap()),
            Step::External(authorization) => self.external(&authorization)?,
            Step::Token(token) => self.token(&token.token)?,
        })
    }

    fn check(&self, holds: impl FnOnce(&str) -> bool) -> Result<Response, Status> {
        Ok(match (self.logins.find)(&self.name)? {
            FakeAccount::User { id, password } if holds(password) => {
                Response::Accepted(accepted(id, &self.name))
            }
            FakeAccount::Throttled(seconds) => Response::Refused(LoginRefused {
                retry_after_seconds: seconds,
                ..self.refusal(LoginRefusal::Later)
            }),
            FakeAccount::User { .. } | FakeAccount::Nobody => self.refused(LoginRefusal::Wrong),
        })
    }

    fn proof(&mut self, proof: &ScramProof) -> Result<Response, Status> {
        let message = proof.auth_message.as_bytes();
        let sha1 = proof.login.hash == Hash::Sha1;
        let keys = |password: &str| ScramKeys::derive(sha1, password, SALT, ITERATIONS);
        let mut signature = Vec::new();
        let checked = self.check(|password| {
            let keys = keys(password);
            signature = keys.signature(message);
            keys.proof(message) == proof.proof
        })?;
        let Response::Accepted(accepted) = checked else {
            return Ok(checked);
        };
        self.proved = Some(accepted);
        let challenge = self.exchange.proved(&signature).unwrap();
        Ok(Response::Challenge(challenge.into()))
    }

    fn external(&mut self, authorization: &str) -> Result<Response, Status> {
        let named = &self.begin.certificate_addresses;
        self.name = authorization.to_owned();
        if !authorization.is_empty()
            && !named
                .iter()
                .any(|name| may_act(authorization, name).is_ok())
        {
            return Ok(self.refused(LoginRefusal::ForAnother));
        }
        for name in named
            .iter()
            .filter(|name| may_act(authorization, name).is_ok())
        {
            if let FakeAccount::User { id, .. } = (self.logins.find)(name)? {
                return Ok(Response::Accepted(accepted(id, name)));
            }
        }
        Ok(self.refused(LoginRefusal::Certificate))
    }

    fn token(&mut self, token: &str) -> Result<Response, Status> {
        let address = format!("{token}@example.test");
        if let FakeAccount::User { id, .. } = (self.logins.find)(&address)? {
            return Ok(Response::Accepted(accepted(id, &address)));
        }
        let refusal = TokenRefusal {
            fault: match token {
                "no-scope" => TokenFault::InsufficientScope,
                _ => TokenFault::Invalid,
            },
            scope: "mail".to_owned(),
            configuration: "https://id.test/configuration".to_owned(),
        };
        let challenge = self.exchange.token_refused(&refusal).unwrap();
        Ok(Response::Refused(LoginRefused {
            challenge: challenge.into(),
            ..self.refusal(LoginRefusal::Token)
        }))
    }

    fn refused(&self, why: LoginRefusal) -> Response {
        Response::Refused(self.refusal(why))
    }

    fn refusal(&self, why: LoginRefusal) -> LoginRefused {
        LoginRefused {
            why: why.into(),
            login: self.name.clone(),
            cause: "secret cause".to_owned(),
            ..LoginRefused::default()
        }
    }
}

fn may_act(authorization: &str, login: &str) -> Result<(), ()> {
    match authorization.is_empty() || authorization.eq_ignore_ascii_case(login) {
        true => Ok(()),
        false => Err(()),
    }
}

fn accepted(user_id: i64, address: &str) -> LoginAccepted {
    LoginAccepted {
        user_id,
        address: address.to_owned(),
        app_password: String::new(),
    }
}
