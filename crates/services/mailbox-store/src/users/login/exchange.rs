//! One login from the mechanism's name to its end (RFC 4422): the responses are the client's, the
//! grammar is [`sasl`]'s, and what holds is decided by [`Logins`].

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

/// What the front end knows of the client's connection.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The peer's address; empty where it is not known.
    pub peer: String,
    /// It is protected by TLS.
    pub tls: bool,
    /// What a proof can be bound to.
    pub bindings: Bindings,
    /// The mail addresses of the certificate that the client has shown.
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

/// What is next.
#[derive(Debug)]
pub enum Step {
    /// For the client; its response is given to [`Exchange::respond`].
    Challenge(Vec<u8>),
    /// It is they; the exchange is over.
    Accepted(Box<LoginAccepted>),
    /// The exchange is over.
    Refused(Box<LoginRefused>),
}

/// An exchange under way.
#[derive(Debug)]
pub struct Exchange {
    logins: Arc<Logins>,
    connection: Connection,
    sasl: sasl::Exchange,
    /// The name that was tried.
    login: String,
    /// Whose proof held, until the client has seen ours.
    proved: Option<Box<LoginAccepted>>,
}

impl Logins {
    /// The mechanisms that there are here.
    pub fn mechanisms(&self) -> Mechanisms {
        match self.tokens {
            Some(_) => Mechanisms::ALL,
            None => Mechanisms::ALL.without_tokens(),
        }
    }
}

impl Exchange {
    /// One by the mechanism of this name; none where such a connection does not have it.
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

    /// The first step; `initial` came along with the mechanism's name.
    pub async fn begin(&mut self, initial: Option<&[u8]>) -> Result<Step> {
        match initial {
            Some(response) => self.respond(response).await,
            None => {
                let step = self.sasl.begin();
                self.follow(Ok(step)).await
            }
        }
    }

    /// Takes a response.
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
        // What cannot be a password is a wrong one.
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

    /// The same for those whom nobody knows.
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

    /// The client has seen that we know the password, too.
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
        user: Some(accepted.user),
        app_password: accepted.app_password.unwrap_or_default(),
    })
}

/// Nobody acts for somebody else.
fn is_for_another(authorization: &str, login: &str) -> bool {
    !authorization.is_empty() && !authorization.eq_ignore_ascii_case(login)
}
