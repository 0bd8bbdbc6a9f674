//! AUTH: the directory says whether a login holds, by its password, by a proof that its password is
//! known, or by a token. Keys do not come here.

mod certificate;
mod token;

use std::time::Duration;

use api::directory::v1::{
    AuthenticateRequest, GetScramParametersRequest, ScramHash, User, VerifyScramRequest,
};
use api::grpc::{Response, Status};
use sasl::{Credentials, Hash, Offer, ScramLogin, ScramProof};

use super::Connection;
use crate::nonce::nonce;
use crate::replies;

/// Longest silence of a directory that is asked: argon2 takes its time, and waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

const SERVICE: &str = "smtp";

/// Who has logged in.
#[derive(Debug)]
pub(super) struct Login {
    address: String,
    /// The name of the application password that was used; empty for the user's own.
    app_password: String,
}

/// What the directory answers, whatever it was asked.
struct Answer {
    user: Option<User>,
    app_password: String,
    retry_after_seconds: u32,
}

impl Connection {
    /// By a password.
    pub(super) async fn log_in(&mut self, credentials: Credentials) {
        let Credentials {
            authorization,
            login,
            password,
        } = credentials;
        if self.is_for_another(&authorization, &login) {
            return;
        }
        let request = AuthenticateRequest {
            login,
            password,
            peer_address: self.facts.peer.to_string(),
            service: SERVICE.to_owned(),
        };
        let mut directory = self.server.directory.clone();
        let answer = in_time(directory.authenticate(request)).await;
        let answer = answer.map(|answer| Answer {
            user: answer.user,
            app_password: answer.app_password,
            retry_after_seconds: answer.retry_after_seconds,
        });
        if let Some(login) = self.holds(answer) {
            self.apply(login);
            self.session.accept(self.io.output());
        }
    }

    /// SCRAM's first question: the same for those whom nobody knows.
    pub(super) async fn scram_parameters(&mut self, login: ScramLogin) {
        self.proved = None;
        if self.is_for_another(&login.authorization, &login.login) {
            return;
        }
        let request = GetScramParametersRequest { login: login.login };
        let mut directory = self.server.directory.clone();
        let answer = in_time(directory.get_scram_parameters(request)).await;
        match (answer, nonce()) {
            (Ok(answer), Some(nonce)) => self.session.scram_parameters(
                &answer.salt,
                answer.iterations,
                &nonce,
                self.io.output(),
            ),
            (Ok(_), None) => self.refuse_for_now(replies::LOGIN_UNAVAILABLE, &"no randomness"),
            (Err(status), _) => self.refuse_for_now(replies::LOGIN_UNAVAILABLE, &status),
        }
    }

    /// SCRAM's second: does the proof hold?
    pub(super) async fn scram_proof(&mut self, proof: ScramProof) {
        let hash = match proof.login.hash {
            Hash::Sha1 => ScramHash::Sha1,
            Hash::Sha256 => ScramHash::Sha256,
        };
        let request = VerifyScramRequest {
            login: proof.login.login,
            hash: hash.into(),
            auth_message: proof.auth_message.into(),
            proof: proof.proof.into(),
            peer_address: self.facts.peer.to_string(),
            service: SERVICE.to_owned(),
        };
        let mut directory = self.server.directory.clone();
        let answer = in_time(directory.verify_scram(request)).await;
        let mut signature = Default::default();
        let answer = answer.map(|answer| {
            signature = answer.server_signature;
            Answer {
                user: answer.user,
                app_password: answer.app_password,
                retry_after_seconds: answer.retry_after_seconds,
            }
        });
        self.proved = self.holds(answer);
        if self.proved.is_some() {
            self.session.scram_proved(&signature, self.io.output());
        }
    }

    /// The client has seen that we know it, too.
    pub(super) fn logged_in(&mut self) {
        if let Some(login) = self.proved.take() {
            self.apply(login);
        }
    }

    fn apply(&mut self, login: Login) {
        if !login.app_password.is_empty() {
            let name = login.app_password;
            tracing::info!(peer = %self.facts.peer, app_password = name, "logged in");
        }
        self.facts.login = Some(login.address);
        self.set_terms();
    }

    /// Nobody acts for somebody else.
    fn is_for_another(&mut self, authorization: &str, login: &str) -> bool {
        let other = !authorization.is_empty() && !authorization.eq_ignore_ascii_case(login);
        if other {
            self.note_refusal("login-for-another", &[]);
            self.session.refuse(replies::LOGIN_FAILED, self.io.output());
        }
        other
    }

    /// Which mechanisms this client is offered beyond those that every client is.
    pub(super) fn mechanisms(&self) -> Offer {
        Offer {
            certificate: !self.certificate.is_empty(),
            // Who reads a token has all that it is good for (RFC 6750 §5.3): never without TLS.
            tokens: self.io.is_tls() && self.server.login_methods.tokens(),
            ..Offer::default()
        }
    }

    /// Refused for a reason that is not the client's to know.
    fn refuse_login(&mut self, verdict: &'static str, reason: String) {
        self.note_refusal(verdict, &[reason.into()]);
        self.session.refuse(replies::LOGIN_FAILED, self.io.output());
    }

    /// Who it is; otherwise the client has been answered.
    fn holds(&mut self, answer: Result<Answer, Status>) -> Option<Login> {
        match answer {
            Ok(Answer {
                user: Some(user),
                app_password,
                ..
            }) => {
                return Some(Login {
                    address: user.address,
                    app_password,
                });
            }
            Ok(Answer {
                retry_after_seconds: 0,
                ..
            }) => {
                self.note_refusal("login-failed", &[]);
                self.session.refuse(replies::LOGIN_FAILED, self.io.output());
            }
            Ok(_) => {
                self.note_refusal("login-throttled", &[]);
                self.session.refuse(replies::LOGIN_LATER, self.io.output());
            }
            Err(status) => self.refuse_for_now(replies::LOGIN_UNAVAILABLE, &status),
        }
        None
    }
}

async fn in_time<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Status> {
    let response = tokio::time::timeout(PATIENCE, call)
        .await
        .map_err(|_| Status::deadline_exceeded("the directory does not answer"))??;
    Ok(response.into_inner())
}
