//! LOGIN and AUTHENTICATE: the directory conducts the exchange and decides (RFC 9051 §6.2).

use api::directory::v1::{LoginAccepted, LoginRefusal, LoginRefused};
use api::login::{Login, Step};
use api::refusals::{TOO_MANY_CONNECTIONS, failed_login, shown};
use imap_protocol::command::Authenticate;
use imap_protocol::response::{Code, put_continuation};
use sasl::{Initiation, LINE_LIMIT, LineFault, LoginFault, Mechanisms, Response};

use super::Session;
use crate::answer::{Answer, Stop};

impl Session {
    /// Whether passwords may be sent: only under TLS, unless the listener is configured otherwise.
    pub(super) fn may_log_in(&self) -> bool {
        self.io.is_tls() || self.listener.plaintext_auth
    }

    /// The mechanisms offered to this client.
    pub(super) fn mechanisms(&self) -> Mechanisms {
        match self.may_log_in() {
            true => self.server.mechanisms.current().on(self.client.state()),
            false => Mechanisms::NONE,
        }
    }

    /// LOGIN is handled like PLAIN.
    pub(super) async fn log_in(&mut self, login: &str, password: &str) -> Result<Answer, Stop> {
        if !self.may_log_in() {
            return Ok(self.tls_first(login));
        }
        self.exchange(Initiation::plain(login, password)).await
    }

    pub(super) async fn authenticate(&mut self, command: Authenticate) -> Result<Answer, Stop> {
        if !self.may_log_in() {
            return Ok(self.tls_first(""));
        }
        let Some(mechanism) = self.mechanisms().named(&command.mechanism) else {
            let mechanism = command.mechanism;
            self.login_refused(&LoginFault::NotOffered { mechanism });
            return Ok(Answer::no("Authentication mechanism not supported."));
        };
        let initial = command.initial;
        self.exchange(Initiation { mechanism, initial }).await
    }

    async fn exchange(&mut self, initiation: Initiation) -> Result<Answer, Stop> {
        let directory = self.server.directory();
        let (mut login, mut step) = Login::begin(directory, &self.client, initiation).await?;
        loop {
            step = match step {
                Step::Challenge(challenge) => {
                    let response = self.challenge(&challenge).await?;
                    login.respond(response).await?
                }
                Step::Accepted(accepted) => return self.accepted(accepted),
                Step::Refused(refused) => return self.refused(refused).await,
            };
        }
    }

    fn accepted(&mut self, accepted: LoginAccepted) -> Result<Answer, Stop> {
        let Some(connection) = self.server.users.connect(accepted.user_id) else {
            // Each attempt costs a password check, even with a right password.
            self.login_failed(&accepted.address, TOO_MANY_CONNECTIONS, "");
            return Ok(Answer::no_with(
                Code::Limit,
                "Too many connections of this user.",
            ));
        };
        self.user = Some(connection);
        self.login = accepted.address;
        self.reader.set_authenticated();
        self.io.vouch(true);
        tracing::info!(peer = %self.io.peer(), user = accepted.user_id, "logged in");
        let code = Code::Capability(self.capabilities());
        Ok(Answer::ok_with(code, "Logged in."))
    }

    async fn refused(&mut self, refused: LoginRefused) -> Result<Answer, Stop> {
        self.login_failed(&refused.login, refused.verdict(), &refused.cause);
        if !refused.challenge.is_empty() && !self.ended {
            // The client's answer does not matter (RFC 7628 §3.2.3).
            self.challenge(&refused.challenge).await?;
        }
        let text = match refused.why() {
            LoginRefusal::Malformed => {
                return Ok(Answer::bad("Malformed authentication response."));
            }
            LoginRefusal::Later => "Too many wrong guesses, try again later.",
            LoginRefusal::Wrong | LoginRefusal::ForAnother => "Login or password is wrong.",
            _ => "Authentication failed.",
        };
        Ok(Answer::no_with(Code::AuthenticationFailed, text))
    }

    /// Counts and reports a failed login; `name` is the user name that was tried.
    fn login_failed(&mut self, name: &str, verdict: &str, cause: &str) {
        metrics::counter!("postern_imap_failed_logins_total").increment(1);
        let peer = self.io.peer();
        tracing::info!(%peer, login = shown(name), verdict, "login failed");
        let mut refusal = failed_login(peer.ip(), &self.listener.name, name, verdict);
        if !cause.is_empty() {
            refusal.reasons.push(cause.to_owned());
        }
        self.server.refusals.note(refusal);
        self.failed_logins += 1;
        if self.failed_logins >= self.server.max_failed_logins {
            self.bye(None, "Too many failed logins.");
        }
    }

    /// Sends a challenge and returns the response.
    async fn challenge(&mut self, challenge: &[u8]) -> Result<Response, Stop> {
        put_continuation(self.io.output(), &sasl::encode(challenge));
        let line = self.line(LINE_LIMIT).await?.ok_or(Stop::Said)?;
        Response::read(&line).map_err(|fault| match fault {
            LineFault::Cancelled => Answer::bad("Authentication cancelled.").into(),
            LineFault::Malformed => {
                self.login_refused(&LoginFault::Malformed);
                Answer::bad("Invalid base64.").into()
            }
        })
    }

    fn tls_first(&mut self, login: &str) -> Answer {
        let login = login.to_owned();
        self.login_refused(&LoginFault::WithoutTls { login });
        Answer::no_with(
            Code::PrivacyRequired,
            "Passwords are accepted over TLS only.",
        )
    }

    /// Counts and reports a login that is refused without the directory. No password was guessed, so such logins
    /// are limited like invalid commands.
    pub(super) fn login_refused(&mut self, fault: &LoginFault) {
        metrics::counter!("postern_imap_failed_logins_total").increment(1);
        let (peer, listener) = (self.io.peer().ip(), &self.listener.name);
        self.server.refusals.note_login(peer, listener, fault);
        self.unusable_logins += 1;
        self.end_if_flooded();
    }
}
