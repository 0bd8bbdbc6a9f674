//! The AUTHORIZATION state: CAPA, STLS, USER, PASS, AUTH.

use bytes::BytesMut;
use sasl::{Initiation, LineFault, LoginFault, Mechanisms, Response};

use super::answer::{ok, refuse};
use super::{Action, MOST_FAILURES, Refusal, Session, State};
use crate::server::command::Auth;
use crate::server::maildrop::Maildrop;

const TLS_FIRST: &str = "[AUTH] Start TLS first.";

/// A response that is not base64, or violates its mechanism's grammar.
const UNREADABLE: &str = "The response cannot be read.";

impl Session {
    /// CAPA (RFC 2449 §5).
    pub(super) fn capabilities(&self, output: &mut BytesMut) {
        ok("", output);
        let mut add = |line: &str| {
            output.extend_from_slice(line.as_bytes());
            output.extend_from_slice(b"\r\n");
        };
        add("TOP");
        add("UIDL");
        add("RESP-CODES");
        add("AUTH-RESP-CODE");
        add("PIPELINING");
        if self.may_log_in() {
            add("USER");
            add(&format!("SASL {}", self.mechanism_names().join(" ")));
        }
        if self.may_start_tls() {
            add("STLS");
        }
        add("EXPIRE NEVER");
        add("IMPLEMENTATION Postern");
        add(".");
    }

    fn mechanism_names(&self) -> Vec<&'static str> {
        self.mechanisms.names().collect()
    }

    fn may_log_in(&self) -> bool {
        self.settings.tls_on || self.settings.plaintext_auth
    }

    fn may_start_tls(&self) -> bool {
        self.settings.tls_available
            && !self.settings.tls_on
            && matches!(self.state, State::Authorization { .. })
    }

    /// STLS (RFC 2595 §4).
    pub(super) fn stls(&mut self, output: &mut BytesMut) -> Option<Action> {
        if !self.may_start_tls() {
            let reason = if self.settings.tls_on {
                "TLS is on already."
            } else {
                "TLS is not available."
            };
            return self.error(reason, output);
        }
        ok("Begin TLS.", output);
        Some(Action::StartTls)
    }

    /// TLS is active: earlier statements of the client are dropped.
    pub fn tls_started(&mut self) {
        self.settings.tls_on = true;
        self.state = State::Authorization { user: None };
    }

    /// USER: only PASS reveals whether the login is valid.
    pub(super) fn user(&mut self, name: String, output: &mut BytesMut) -> Option<Action> {
        if !self.may_log_in() {
            let fault = LoginFault::WithoutTls { login: name };
            return self.login_refused(TLS_FIRST, fault, output);
        }
        ok("Password?", output);
        self.state = State::Authorization { user: Some(name) };
        None
    }

    /// PASS.
    pub(super) fn pass(&mut self, password: String, output: &mut BytesMut) -> Option<Action> {
        let State::Authorization { user } = &mut self.state else {
            return None;
        };
        let Some(user) = user.take() else {
            return self.error("USER comes first.", output);
        };
        self.check(Action::Login(Initiation::plain(&user, &password)))
    }

    /// AUTH (RFC 5034 §4).
    pub(super) fn auth(&mut self, auth: Option<Auth>, output: &mut BytesMut) -> Option<Action> {
        let Some(auth) = auth else {
            ok("", output);
            if self.may_log_in() {
                for name in self.mechanism_names() {
                    output.extend_from_slice(name.as_bytes());
                    output.extend_from_slice(b"\r\n");
                }
            }
            output.extend_from_slice(b".\r\n");
            return None;
        };
        if !self.may_log_in() && Mechanisms::ALL.named(&auth.mechanism).is_some() {
            let login = String::new();
            return self.login_refused(TLS_FIRST, LoginFault::WithoutTls { login }, output);
        }
        let Some(mechanism) = self.mechanisms.named(&auth.mechanism) else {
            let mechanism = auth.mechanism;
            let fault = LoginFault::NotOffered { mechanism };
            return self.login_refused("The mechanism is not supported.", fault, output);
        };
        let initial = auth.initial.as_deref().map(str::as_bytes);
        match initial.map(Response::read_initial).transpose() {
            Ok(initial) => self.check(Action::Login(Initiation { mechanism, initial })),
            Err(_) => self.login_refused(UNREADABLE, LoginFault::Malformed, output),
        }
    }

    /// The client's response to a challenge.
    pub(super) fn response(
        &mut self,
        line: &[u8],
        refusal: Option<Refusal>,
        output: &mut BytesMut,
    ) -> Option<Action> {
        self.state = State::Authorization { user: None };
        let action = match (Response::read(line), refusal) {
            (Err(LineFault::Cancelled), _) => {
                refuse("Cancelled.", output);
                None
            }
            (Err(LineFault::Malformed), _) => {
                self.login_refused(UNREADABLE, LoginFault::Malformed, output)
            }
            (Ok(_), Some(refusal)) => {
                self.say_refusal(refusal, output);
                None
            }
            (Ok(response), None) => self.check(Action::Response(response)),
        };
        self.close_after_failures();
        action
    }

    fn check(&mut self, action: Action) -> Option<Action> {
        self.state = State::Busy;
        Some(action)
    }

    /// Requests the client's next response.
    pub fn challenge(&mut self, challenge: &[u8], output: &mut BytesMut) {
        self.ask(challenge, None, output);
    }

    /// Refuses the login after a last challenge: the client responds to it and is then refused (RFC 7628
    /// §3.2.2). The failure is counted now, since the client may cancel.
    pub fn refuse_after_challenge(
        &mut self,
        challenge: &[u8],
        refusal: Refusal,
        output: &mut BytesMut,
    ) {
        self.failures += 1;
        self.ask(challenge, Some(refusal), output);
    }

    fn ask(&mut self, challenge: &[u8], refusal: Option<Refusal>, output: &mut BytesMut) {
        let line = format!("+ {}\r\n", sasl::encode(challenge));
        output.extend_from_slice(line.as_bytes());
        self.state = State::AwaitResponse { refusal };
    }

    /// The login succeeded and the maildrop is locked.
    pub fn accept(&mut self, maildrop: Maildrop, output: &mut BytesMut) {
        let (count, size) = maildrop.totals();
        ok(&format!("{count} messages, {size} octets."), output);
        self.state = State::Transaction {
            maildrop,
            listing: None,
        };
    }

    /// The login failed. Too many failures end the session.
    pub fn refuse(&mut self, refusal: Refusal, output: &mut BytesMut) {
        self.state = State::Authorization { user: None };
        if matches!(refusal, Refusal::Wrong | Refusal::Failed) {
            self.failures += 1;
        }
        self.say_refusal(refusal, output);
        self.close_after_failures();
    }

    fn say_refusal(&mut self, refusal: Refusal, output: &mut BytesMut) {
        match refusal {
            Refusal::Wrong => refuse("[AUTH] Wrong name or password.", output),
            Refusal::Failed => refuse("[AUTH] Authentication failed.", output),
            Refusal::Malformed => {
                self.error(UNREADABLE, output);
            }
            Refusal::Slow(seconds) => {
                let text = format!("[AUTH] Too many wrong guesses; wait {seconds} seconds.");
                refuse(&text, output);
                self.state = State::Closed;
            }
            Refusal::InUse => refuse("[IN-USE] Another session has the maildrop.", output),
            Refusal::Unavailable => refuse("[SYS/TEMP] Not now; try again later.", output),
        }
    }

    fn close_after_failures(&mut self) {
        if self.failures >= MOST_FAILURES {
            self.state = State::Closed;
        }
    }
}
