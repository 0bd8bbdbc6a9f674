//! AUTH: the directory conducts the exchange and decides. This module passes octets on, and turns the result
//! into a reply, a log line and a login.

mod certificate;

use api::directory::v1::{LoginAccepted, LoginRefusal, LoginRefused};
use api::grpc::Status;
use api::login::{ClientConnection, Login, Step};
use sasl::{ConnectionState, Initiation, Mechanisms, Response};

use super::Connection;
use super::refusal::RefusalContext;
use crate::replies;

impl Connection {
    /// Handles AUTH.
    pub(super) async fn begin_login(&mut self, initiation: Initiation) {
        let directory = self.server.directory.clone();
        let connection = self.client_connection();
        match Login::begin(directory, &connection, initiation).await {
            Ok((login, step)) => {
                self.login = Some(Box::new(login));
                self.login_step(step);
            }
            Err(status) => self.login_unavailable(&status),
        }
    }

    /// Handles the client's next response.
    pub(super) async fn respond(&mut self, response: Response) {
        let Some(login) = &mut self.login else {
            return self.login_unavailable(&Status::internal("no login is under way"));
        };
        match login.respond(response).await {
            Ok(step) => self.login_step(step),
            Err(status) => self.login_unavailable(&status),
        }
    }

    fn login_step(&mut self, step: Step) {
        match step {
            Step::Challenge(challenge) => self.session.challenge(&challenge, self.io.output()),
            Step::Accepted(accepted) => self.log_in(accepted),
            Step::Refused(refused) => self.refuse_login(&refused),
        }
    }

    fn log_in(&mut self, accepted: LoginAccepted) {
        self.login = None;
        if !accepted.app_password.is_empty() {
            let name = accepted.app_password;
            tracing::info!(peer = %self.facts.peer, app_password = name, "logged in");
        }
        self.facts.login = Some(accepted.address);
        self.set_terms();
        self.session.accept(self.io.output());
    }

    /// Refuses a login. The reply does not say the cause.
    fn refuse_login(&mut self, refused: &LoginRefused) {
        self.login = None;
        if !refused.login.is_empty() {
            self.context = RefusalContext::login(&refused.login);
        }
        self.note_refusal(refused.verdict(), &refused.reasons());
        self.context = RefusalContext::default();
        let output = self.io.output();
        let reply = match refused.why() {
            LoginRefusal::Later => replies::LOGIN_LATER,
            _ => replies::LOGIN_FAILED,
        };
        match refused.why() {
            LoginRefusal::Malformed => self.session.refuse_malformed_response(output),
            _ if refused.challenge.is_empty() => self.session.refuse(reply, output),
            _ => {
                let challenge = &refused.challenge;
                self.session
                    .refuse_after_challenge(challenge, reply, output);
            }
        }
    }

    fn login_unavailable(&mut self, status: &Status) {
        self.login = None;
        self.refuse_for_now(replies::LOGIN_UNAVAILABLE, status);
    }

    fn client_connection(&self) -> ClientConnection {
        ClientConnection {
            service: "smtp",
            peer: self.facts.peer,
            tls: self.io.is_tls(),
            bindings: self.bindings.clone(),
            certificate: self.certificate.clone(),
        }
    }

    /// The mechanisms offered to this client.
    pub(super) fn mechanisms(&self) -> Mechanisms {
        self.server.login_mechanisms.current().on(ConnectionState {
            tls: self.io.is_tls(),
            bindings: self.bindings.is_some(),
            certificate: !self.certificate.is_empty(),
        })
    }
}
