//! From a client's responses to a maildrop. The directory conducts the exchange and decides.

use api::actor::v1::Actor;
use api::directory::v1::{LoginAccepted, LoginRefusal, LoginRefused};
use api::grpc::{Code, Status};
use api::login::{Login, Step};
use api::refusals::{failed_login, shown};
use pop3_protocol::server::{Maildrop, Refusal};
use sasl::{Initiation, LoginFault, Mechanisms, Response};
use session_io::SessionError;

use super::Client;
use crate::store::Lock;

impl Client {
    /// Tells the session the mechanisms of the connection in its present state. The session knows whether
    /// passwords are accepted on it.
    pub(super) fn set_mechanisms(&mut self) {
        let known: Mechanisms = self.server.mechanisms.current();
        self.session.set_mechanisms(known.on(self.client.state()));
    }

    /// Records the facts from a handshake, on which logins depend.
    pub(super) fn note_handshake(&mut self, secured: &Result<(), SessionError>) {
        let peer = self.connection.peer().ip();
        if let Err(error @ SessionError::Tls(_)) = secured {
            let listener = &self.listener.name;
            self.server.refusals.note_handshake(peer, listener, error);
        }
        if secured.is_ok() {
            self.client.tls = true;
            self.client.bindings = self.connection.bindings();
            let names = self.connection.client_addresses().unwrap_or_default();
            self.client.certificate = front_end::user_addresses(&names);
        }
    }

    /// The session has refused a login by itself.
    pub(super) fn login_refused(&self, fault: &LoginFault) {
        metrics::counter!("postern_pop3_logins_total", "result" => "refused").increment(1);
        let (peer, listener) = (self.connection.peer().ip(), &self.listener.name);
        self.server.refusals.note_login(peer, listener, fault);
    }

    pub(super) async fn begin_login(&mut self, initiation: Initiation) {
        let directory = self.server.store.directory();
        match Login::begin(directory, &self.client, initiation).await {
            Ok((login, step)) => {
                self.login = Some(login);
                self.step(step).await;
            }
            Err(status) => self.not_now(&status),
        }
    }

    pub(super) async fn respond(&mut self, response: Response) {
        let Some(login) = &mut self.login else {
            return self.not_now(&Status::internal("no login is under way"));
        };
        match login.respond(response).await {
            Ok(step) => self.step(step).await,
            Err(status) => self.not_now(&status),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Challenge(challenge) => {
                self.session.challenge(&challenge, self.connection.output());
            }
            Step::Accepted(accepted) => self.accepted(accepted).await,
            Step::Refused(refused) => self.refused(&refused),
        }
    }

    async fn accepted(&mut self, accepted: LoginAccepted) {
        self.login = None;
        let actor = Actor::user(accepted.user_id, &accepted.address, self.client.peer);
        match self.server.store.open(actor).await {
            Ok((lock, maildrop)) => self.opened(lock, maildrop),
            Err(status) if status.code() == Code::FailedPrecondition => {
                self.refuse(Refusal::InUse, &accepted.address);
            }
            Err(status) => self.not_now(&status),
        }
    }

    fn opened(&mut self, lock: Lock, maildrop: Maildrop) {
        metrics::counter!("postern_pop3_logins_total", "result" => "accepted").increment(1);
        self.lock = Some(lock);
        self.connection.vouch(true);
        self.connection.set_timeout(self.server.idle_timeout);
        self.session.accept(maildrop, self.connection.output());
    }

    fn refused(&mut self, refused: &LoginRefused) {
        let peer = self.connection.peer().ip();
        let (name, verdict) = (&refused.login, refused.verdict());
        let mut failed = failed_login(peer, &self.listener.name, name, verdict);
        failed.reasons.extend(
            refused
                .reasons()
                .into_iter()
                .map(std::borrow::Cow::into_owned),
        );
        self.server.refusals.note(failed);
        let refusal = match refused.why() {
            LoginRefusal::Later => Refusal::Slow(refused.retry_after_seconds),
            LoginRefusal::Malformed => Refusal::Malformed,
            LoginRefusal::Token | LoginRefusal::Certificate => Refusal::Failed,
            _ => Refusal::Wrong,
        };
        if refused.challenge.is_empty() {
            return self.refuse(refusal, name);
        }
        self.note_refused(refusal, name);
        let output = self.connection.output();
        self.session
            .refuse_after_challenge(&refused.challenge, refusal, output);
    }

    fn not_now(&mut self, status: &Status) {
        tracing::warn!(%status, "mailbox-store does not answer a login");
        self.refuse(Refusal::Unavailable, "");
    }

    /// `name`: the user name that was tried.
    fn refuse(&mut self, refusal: Refusal, name: &str) {
        self.note_refused(refusal, name);
        self.session.refuse(refusal, self.connection.output());
    }

    fn note_refused(&mut self, refusal: Refusal, name: &str) {
        self.login = None;
        metrics::counter!("postern_pop3_logins_total", "result" => "refused").increment(1);
        let peer = self.connection.peer().ip();
        tracing::info!(%peer, login = shown(name), ?refusal, "login refused");
    }
}
