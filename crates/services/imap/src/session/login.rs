//! STARTTLS, LOGIN and AUTHENTICATE.

use api::directory::v1::AuthenticateRequest;
use api::refusals::{FailedLogin, shown};
use imap_protocol::command::{Authenticate, PlainCredentials, decode_base64};
use imap_protocol::response::{Code, put_continuation};
use imap_protocol::{Reader, Tag};

use super::Session;
use crate::answer::{Answer, Stop};
use crate::server::timed;

/// A line of a SASL exchange.
const LONGEST_LINE: usize = 8 * 1024;

impl Session {
    /// Passwords cross no wire in the open, unless the listener says so.
    pub(super) fn may_log_in(&self) -> bool {
        self.io.is_tls() || self.listener.plaintext_auth
    }

    pub(super) async fn start_tls(&mut self, tag: &Tag) -> Result<Answer, Stop> {
        let Some(tls) = self.listener.tls.clone().filter(|_| !self.io.is_tls()) else {
            return Ok(Answer::bad("TLS is not to be had here."));
        };
        self.tagged(tag, &Answer::ok("Begin TLS negotiation now."));
        self.io.flush().await?;
        // Drops what was sent in the open behind the command.
        self.io.start_tls(&tls).await?;
        self.reader = Reader::new(imap_protocol::Limits::default());
        Err(Stop::Said)
    }

    pub(super) async fn log_in(&mut self, login: String, password: String) -> Result<Answer, Stop> {
        if !self.may_log_in() {
            return Ok(Answer::no_with(
                Code::PrivacyRequired,
                "Passwords are taken over TLS only.",
            ));
        }
        let name = login.clone();
        let request = AuthenticateRequest {
            login,
            password,
            peer_address: self.io.peer().ip().to_string(),
            service: "imap".to_owned(),
        };
        let response = self.server.directory().authenticate(timed(request)).await?;
        let response = response.into_inner();
        match response.user {
            Some(user) => Ok(self.logged_in(&name, user.user_id)),
            None if response.retry_after_seconds > 0 => {
                Ok(self.login_failed(&name, FailedLogin::Throttled))
            }
            None => Ok(self.login_failed(&name, FailedLogin::Wrong)),
        }
    }

    /// The password is right.
    fn logged_in(&mut self, name: &str, user: i64) -> Answer {
        let Some(connection) = self.server.users.connect(user) else {
            return self.login_failed(name, FailedLogin::TooManyConnections);
        };
        self.user = Some(connection);
        self.reader.set_authenticated();
        self.io.vouch(true);
        tracing::info!(peer = %self.io.peer(), user, "logged in");
        Answer::ok_with(Code::Capability(self.capabilities()), "Logged in.")
    }

    /// `name` is the one that was tried.
    fn login_failed(&mut self, name: &str, why: FailedLogin) -> Answer {
        metrics::counter!("postern_imap_failed_logins_total").increment(1);
        let peer = self.io.peer();
        tracing::info!(%peer, login = shown(name), verdict = why.verdict(), "login failed");
        let refusal = why.refusal(peer.ip(), &self.listener.name, name);
        self.server.refusals.note(refusal);
        // Each try costs a check of the password, also where it is right.
        self.failed_logins += 1;
        if self.failed_logins >= self.server.max_failed_logins {
            self.bye(None, "Too many failed logins.");
        }
        let (code, text) = match why {
            FailedLogin::Wrong => (Code::AuthenticationFailed, "Login or password is wrong."),
            FailedLogin::Throttled => (
                Code::AuthenticationFailed,
                "Too many wrong guesses, try again later.",
            ),
            FailedLogin::TooManyConnections => (Code::Limit, "Too many connections of this user."),
        };
        Answer::no_with(code, text)
    }

    pub(super) async fn authenticate(&mut self, command: Authenticate) -> Result<Answer, Stop> {
        if !self.may_log_in() {
            return Ok(Answer::no_with(
                Code::PrivacyRequired,
                "Passwords are taken over TLS only.",
            ));
        }
        match command.mechanism.as_str() {
            "PLAIN" => {
                let message = match command.initial {
                    Some(initial) => initial,
                    None => self.challenge("").await?,
                };
                let credentials = PlainCredentials::parse(&message)
                    .ok_or_else(|| Answer::bad("That is no message of PLAIN."))?;
                let PlainCredentials {
                    authorization,
                    login,
                    password,
                } = credentials;
                // Nobody acts for somebody else here.
                if !(authorization.is_empty() || authorization.eq_ignore_ascii_case(&login)) {
                    return Ok(self.login_failed(&login, FailedLogin::Wrong));
                }
                self.log_in(login, password).await
            }
            "LOGIN" => {
                let login = match command.initial {
                    Some(initial) => initial,
                    // "Username:" and "Password:", as clients of this mechanism expect.
                    None => self.challenge("VXNlcm5hbWU6").await?,
                };
                let password = self.challenge("UGFzc3dvcmQ6").await?;
                let text = |octets: bytes::Bytes| {
                    String::from_utf8(octets.to_vec()).map_err(|_| Answer::bad("Not UTF-8."))
                };
                let (login, password) = (text(login)?, text(password)?);
                self.log_in(login, password).await
            }
            _ => Ok(Answer::no("That mechanism is not to be had here.")),
        }
    }

    /// Sends a challenge and gives the response.
    async fn challenge(&mut self, challenge: &str) -> Result<bytes::Bytes, Stop> {
        put_continuation(self.io.output(), challenge);
        let line = self.line(LONGEST_LINE).await?.ok_or(Stop::Said)?;
        if line.as_ref() == b"*" {
            return Err(Answer::bad("Authentication was given up.").into());
        }
        decode_base64(&line).ok_or_else(|| Answer::bad("That is not base64.").into())
    }
}
