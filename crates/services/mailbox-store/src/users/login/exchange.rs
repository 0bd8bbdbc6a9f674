//! One login from the mechanism's name to its end (RFC 4422). [`sasl`] has the grammar; [`Logins`] decides.

use std::sync::Arc;

use sasl::{
    BearerToken, Bindings, ConnectionState, Credentials, Fault, Mechanisms, ScramLogin, ScramProof,
    TokenFault, TokenRefusal,
};

use api::directory::v1::{LoginAccepted, LoginRefusal, LoginRefused};

use super::super::password::Password;
use super::Logins;
use super::attempt::{Accepted, Answer, Attempt, Proof, Token, Unfit};
use super::nonce::nonce;
use crate::Result;

/// The front end's facts about the client's connection.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The peer's address; empty if unknown.
    pub peer: String,
    /// Protected by TLS.
    pub tls: bool,
    /// Channel bindings.
    pub bindings: Bindings,
    /// The mail addresses in the client's certificate.
    pub certificate: Vec<String>,
}

impl Connection {
    fn state(&self) -> ConnectionState {
        ConnectionState {
            tls: self.tls,
            bindings: self.bindings.is_some(),
            certificate: !self.certificate.is_empty(),
        }
    }
}

/// The next step.
#[derive(Debug)]
pub enum Step {
    /// A challenge for the client. Its response goes to [`Exchange::respond`].
    Challenge(Vec<u8>),
    /// The exchange ends with success.
    Accepted(Box<LoginAccepted>),
    /// The exchange ends with a refusal.
    Refused(Box<LoginRefused>),
}

/// A running exchange.
#[derive(Debug)]
pub struct Exchange {
    logins: Arc<Logins>,
    connection: Connection,
    sasl: sasl::Exchange,
    /// The login name.
    login: String,
    /// The result of a valid proof, until the client has the server's signature.
    proved: Option<Box<LoginAccepted>>,
}

impl Logins {
    /// The available mechanisms.
    pub fn mechanisms(&self) -> Mechanisms {
        match self.tokens {
            Some(_) => Mechanisms::ALL,
            None => Mechanisms::ALL.without_tokens(),
        }
    }
}

impl Exchange {
    /// An exchange of the mechanism with this name; `None` if this connection is not offered it.
    pub fn new(logins: Arc<Logins>, connection: Connection, mechanism: &str) -> Option<Self> {
        let possible = logins.mechanisms().on(connection.state());
        let mechanism = possible.named(mechanism)?;
        Some(Self {
            sasl: sasl::Exchange::new(mechanism, connection.bindings.clone()),
            logins,
            connection,
            login: String::new(),
            proved: None,
        })
    }

    /// The first step; `initial` is the initial response.
    pub async fn begin(&mut self, initial: Option<&[u8]>) -> Result<Step> {
        match initial {
            Some(response) => self.respond(response).await,
            None => {
                let step = self.sasl.begin();
                self.follow(Ok(step)).await
            }
        }
    }

    /// Handles a response.
    pub async fn respond(&mut self, response: &[u8]) -> Result<Step> {
        let step = self.sasl.respond(response);
        self.follow(step).await
    }

    async fn follow(&mut self, step: std::result::Result<sasl::Step, Fault>) -> Result<Step> {
        match step {
            Ok(sasl::Step::Challenge(challenge)) => Ok(Step::Challenge(challenge)),
            Ok(sasl::Step::Password(credentials)) => self.password(credentials).await,
            Ok(sasl::Step::Parameters(login)) => self.parameters(login).await,
            Ok(sasl::Step::Proof(proof)) => self.proof(proof).await,
            Ok(sasl::Step::Done) => Ok(self.done()),
            Ok(sasl::Step::External(authorization)) => self.external(authorization).await,
            Ok(sasl::Step::Token(token)) => self.token(token).await,
            Err(Fault::Malformed) => {
                let cause = "the response does not follow the mechanism's grammar";
                Ok(self.refused(LoginRefusal::Malformed, cause))
            }
            Err(Fault::Mismatch) => {
                let cause = "the proof is not bound to this exchange, or not to this TLS session";
                Ok(self.refused(LoginRefusal::Wrong, cause))
            }
        }
    }

    async fn password(&mut self, credentials: Credentials) -> Result<Step> {
        let Credentials {
            authorization,
            login,
            password,
        } = credentials;
        self.login.clone_from(&login);
        if is_for_another(&authorization, &login) {
            return Ok(self.refused(LoginRefusal::ForAnother, ""));
        }
        // A malformed password is a wrong one.
        let Ok(password) = Password::parse(password) else {
            return Ok(self.refused(LoginRefusal::Wrong, ""));
        };
        let attempt = Attempt {
            login,
            password,
            peer: self.connection.peer.clone(),
        };
        let answer = self.logins.authenticate(&attempt).await?;
        Ok(self.answered(answer, LoginRefusal::Wrong))
    }

    /// The same for unknown users.
    async fn parameters(&mut self, login: ScramLogin) -> Result<Step> {
        self.login.clone_from(&login.login);
        if is_for_another(&login.authorization, &login.login) {
            return Ok(self.refused(LoginRefusal::ForAnother, ""));
        }
        let (salt, iterations) = self.logins.scram_parameters(&login.login).await?;
        let challenge = self.sasl.parameters(&salt, iterations, &nonce()?);
        Ok(self.challenge(challenge))
    }

    async fn proof(&mut self, proof: ScramProof) -> Result<Step> {
        let proof = Proof {
            login: proof.login.login,
            hash: proof.login.hash,
            auth_message: proof.auth_message.into_bytes(),
            proof: proof.proof,
            peer: self.connection.peer.clone(),
        };
        match self.logins.verify_scram(&proof).await? {
            Answer::Accepted(accepted) => {
                let challenge = self.sasl.proved(&accepted.signature);
                self.proved = Some(login_accepted(*accepted));
                Ok(self.challenge(challenge))
            }
            answer => Ok(self.answered(answer, LoginRefusal::Wrong)),
        }
    }

    /// The client has the server's signature.
    fn done(&mut self) -> Step {
        match self.proved.take() {
            Some(accepted) => Step::Accepted(accepted),
            None => self.refused(LoginRefusal::Malformed, ""),
        }
    }

    async fn external(&mut self, authorization: String) -> Result<Step> {
        self.login.clone_from(&authorization);
        let addresses = &self.connection.certificate;
        let answer = self.logins.verify_certificate(addresses, &authorization);
        match answer.await? {
            Some(answer) => Ok(self.answered(answer, LoginRefusal::Certificate)),
            None => Ok(self.refused(LoginRefusal::ForAnother, "")),
        }
    }

    async fn token(&mut self, token: BearerToken) -> Result<Step> {
        self.login.clone_from(&token.authorization);
        let token = Token {
            token: token.token,
            authorization: token.authorization,
        };
        let unfit = match self.logins.verify_token(&token).await? {
            Answer::Unfit(unfit) => unfit,
            answer => return Ok(self.answered(answer, LoginRefusal::Token)),
        };
        let challenge = self.sasl.token_refused(&self.token_refusal(&unfit));
        Ok(Step::Refused(Box::new(LoginRefused {
            challenge: challenge.unwrap_or_default().into(),
            ..self.refusal(LoginRefusal::Token, unfit.reason)
        })))
    }

    fn token_refusal(&self, unfit: &Unfit) -> TokenRefusal {
        let tokens = self.logins.tokens();
        TokenRefusal {
            fault: match unfit.insufficient_scope {
                true => TokenFault::InsufficientScope,
                false => TokenFault::Invalid,
            },
            scope: tokens.map_or_else(String::new, |tokens| tokens.scope().to_owned()),
            configuration: tokens.map_or_else(String::new, |tokens| {
                tokens.openid_configuration().to_owned()
            }),
        }
    }

    fn answered(&self, answer: Answer, unfit: LoginRefusal) -> Step {
        match answer {
            Answer::Accepted(accepted) => Step::Accepted(login_accepted(*accepted)),
            Answer::Refused => self.refused(LoginRefusal::Wrong, ""),
            Answer::Unfit(Unfit { reason, .. }) => {
                Step::Refused(Box::new(self.refusal(unfit, reason)))
            }
            Answer::Later(seconds) => Step::Refused(Box::new(LoginRefused {
                retry_after_seconds: seconds,
                ..self.refusal(LoginRefusal::Later, String::new())
            })),
        }
    }

    fn challenge(&self, challenge: Option<Vec<u8>>) -> Step {
        match challenge {
            Some(challenge) => Step::Challenge(challenge),
            None => self.refused(LoginRefusal::Malformed, ""),
        }
    }

    fn refused(&self, why: LoginRefusal, cause: &str) -> Step {
        Step::Refused(Box::new(self.refusal(why, cause.to_owned())))
    }

    fn refusal(&self, why: LoginRefusal, cause: String) -> LoginRefused {
        LoginRefused {
            why: why.into(),
            login: self.login.clone(),
            cause,
            ..LoginRefused::default()
        }
    }
}

fn login_accepted(accepted: Accepted) -> Box<LoginAccepted> {
    Box::new(LoginAccepted {
        user_id: accepted.user_id,
        address: accepted.address,
        app_password: accepted.app_password.unwrap_or_default(),
    })
}

/// Whether another authorization identity is requested, which nobody may use.
fn is_for_another(authorization: &str, login: &str) -> bool {
    !authorization.is_empty() && !authorization.eq_ignore_ascii_case(login)
}
