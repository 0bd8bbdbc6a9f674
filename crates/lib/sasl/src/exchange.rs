//! One exchange, from the mechanism's name to the result.

use crate::bearer::{self, BearerToken, TokenRefusal};
use crate::passwords::{Credentials, plain, without_nul};
use crate::scram::{self, Bindings, ScramLogin, ScramProof};
use crate::{Dialect, Fault, Mechanism};

/// The next step.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this challenge and pass on the response.
    Challenge(Vec<u8>),
    /// Question: is this password valid? The exchange is over.
    Password(Credentials),
    /// Question: may the client certificate's identity act as this user (empty: as itself)? The exchange is
    /// over.
    External(String),
    /// Question: whose token is this? The exchange is over; before a refusal the client receives the
    /// challenge of [`Exchange::token_refused`].
    Token(BearerToken),
    /// Question: the salt and iteration count of this login. Answer with [`Exchange::parameters`].
    Parameters(ScramLogin),
    /// Question: is this proof valid? Answer with [`Exchange::proved`].
    Proof(ScramProof),
    /// The client has verified our proof too: the login of the valid proof is complete.
    Done,
}

#[derive(Debug)]
enum State {
    Plain,
    LoginName,
    LoginPassword(String),
    ClientFirst { plus: bool, hash: crate::Hash },
    Parameters(scram::First),
    ClientFinal(scram::Second),
    Proof,
    Acknowledgement,
    External,
    Bearer(Dialect),
    Token(Dialect),
    Over,
}

/// An exchange in progress.
#[derive(Debug)]
pub struct Exchange {
    state: State,
    bindings: Bindings,
}

impl Exchange {
    /// An exchange with this mechanism, on a connection with these channel bindings.
    pub fn new(mechanism: Mechanism, bindings: Bindings) -> Self {
        let state = match mechanism {
            Mechanism::Plain => State::Plain,
            Mechanism::Login => State::LoginName,
            Mechanism::Scram { hash, plus } => State::ClientFirst { plus, hash },
            Mechanism::External => State::External,
            Mechanism::Bearer(dialect) => State::Bearer(dialect),
        };
        Self { state, bindings }
    }

    /// The first step for a client without an initial response.
    pub fn begin(&self) -> Step {
        match self.state {
            State::LoginName => Step::Challenge(b"Username:".to_vec()),
            _ => Step::Challenge(Vec::new()),
        }
    }

    /// Processes a response. After a fault the exchange is over.
    pub fn respond(&mut self, response: &[u8]) -> Result<Step, Fault> {
        let state = std::mem::replace(&mut self.state, State::Over);
        let response = std::str::from_utf8(response).map_err(|_| Fault::Malformed)?;
        match state {
            State::Plain => plain(response).map(Step::Password),
            State::LoginName => {
                self.state = State::LoginPassword(without_nul(response)?);
                Ok(Step::Challenge(b"Password:".to_vec()))
            }
            State::LoginPassword(login) => Ok(Step::Password(Credentials {
                authorization: String::new(),
                login,
                password: without_nul(response)?,
            })),
            State::ClientFirst { plus, hash } => {
                let first = scram::First::read(response, hash, plus, &self.bindings)?;
                let login = first.login();
                self.state = State::Parameters(first);
                Ok(Step::Parameters(login))
            }
            State::ClientFinal(second) => {
                let proof = second.read(response)?;
                self.state = State::Proof;
                Ok(Step::Proof(proof))
            }
            State::Acknowledgement if response.is_empty() => Ok(Step::Done),
            State::External => without_nul(response).map(Step::External),
            State::Bearer(dialect) => {
                let token = bearer::read(response, dialect)?;
                self.state = State::Token(dialect);
                Ok(Step::Token(token))
            }
            State::Acknowledgement
            | State::Parameters(_)
            | State::Proof
            | State::Token(_)
            | State::Over => Err(Fault::Malformed),
        }
    }

    /// Answers [`Step::Parameters`]; returns the next challenge. `nonce` must be new each time:
    /// unpredictable printable text without commas.
    pub fn parameters(&mut self, salt: &[u8], iterations: u32, nonce: &str) -> Option<Vec<u8>> {
        let State::Parameters(first) = std::mem::replace(&mut self.state, State::Over) else {
            return None;
        };
        let second = first.challenge(salt, iterations, nonce);
        let challenge = second.challenge().as_bytes().to_vec();
        self.state = State::ClientFinal(second);
        Some(challenge)
    }

    /// Answers [`Step::Proof`] with yes and our own proof; returns the next challenge.
    pub fn proved(&mut self, signature: &[u8]) -> Option<Vec<u8>> {
        let State::Proof = self.state else {
            return None;
        };
        self.state = State::Acknowledgement;
        Some(scram::server_final(signature))
    }

    /// Answers [`Step::Token`] with no; returns the challenge with the reason (RFC 7628 §3.2.2). The client
    /// sends a dummy response and is then refused.
    pub fn token_refused(&mut self, refusal: &TokenRefusal) -> Option<Vec<u8>> {
        let State::Token(dialect) = self.state else {
            return None;
        };
        self.state = State::Over;
        Some(refusal.challenge(dialect))
    }
}
