//! The AUTHORIZATION state: CAPA, STLS, USER, PASS, AUTH.

use bytes::BytesMut;

use super::answer::{ok, refuse};
use super::{Action, Login, MOST_FAILURES, Refusal, Session, State};
use crate::server::command::Auth;
use crate::server::maildrop::Maildrop;
use crate::server::plain;

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
            add("SASL PLAIN");
        }
        if self.may_start_tls() {
            add("STLS");
        }
        add("EXPIRE NEVER");
        add("IMPLEMENTATION Postern");
        add(".");
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

    /// TLS is on: what was said before is forgotten.
    pub fn tls_started(&mut self) {
        self.settings.tls_on = true;
        self.state = State::Authorization { user: None };
    }

    /// USER: whether there is such a user is told by PASS alone.
    pub(super) fn user(&mut self, name: String, output: &mut BytesMut) {
        if !self.may_log_in() {
            return refuse("[AUTH] Start TLS first.", output);
        }
        ok("Password?", output);
        self.state = State::Authorization { user: Some(name) };
    }

    /// PASS.
    pub(super) fn pass(&mut self, password: String, output: &mut BytesMut) -> Option<Action> {
        let State::Authorization { user } = &mut self.state else {
            return None;
        };
        let Some(user) = user.take() else {
            return self.error("USER comes first.", output);
        };
        self.check(Login { user, password })
    }

    /// AUTH (RFC 5034 §4).
    pub(super) fn auth(&mut self, auth: Option<Auth>, output: &mut BytesMut) -> Option<Action> {
        let Some(auth) = auth else {
            ok("", output);
            if self.may_log_in() {
                output.extend_from_slice(b"PLAIN\r\n");
            }
            output.extend_from_slice(b".\r\n");
            return None;
        };
        if auth.mechanism != "PLAIN" {
            return self.error("The mechanism is not supported.", output);
        }
        if !self.may_log_in() {
            refuse("[AUTH] Start TLS first.", output);
            return None;
        }
        match auth.initial {
            Some(response) => self.plain_response(response.as_bytes(), output),
            None => {
                output.extend_from_slice(b"+ \r\n");
                self.state = State::AwaitPlain;
                None
            }
        }
    }

    /// The client's response within AUTH PLAIN.
    pub(super) fn plain_response(&mut self, line: &[u8], output: &mut BytesMut) -> Option<Action> {
        self.state = State::Authorization { user: None };
        if line == b"*" {
            refuse("Cancelled.", output);
            return None;
        }
        match plain::read(line) {
            Some(login) => self.check(login),
            None => self.error("The response cannot be read.", output),
        }
    }

    fn check(&mut self, login: Login) -> Option<Action> {
        self.state = State::Busy;
        Some(Action::Login(login))
    }

    /// The login is good and the maildrop is ours.
    pub fn accept(&mut self, maildrop: Maildrop, output: &mut BytesMut) {
        let (count, size) = maildrop.totals();
        ok(&format!("{count} messages, {size} octets."), output);
        self.state = State::Transaction {
            maildrop,
            listing: None,
        };
    }

    /// It is not. Too many guesses end the session.
    pub fn refuse(&mut self, refusal: Refusal, output: &mut BytesMut) {
        self.state = State::Authorization { user: None };
        match refusal {
            Refusal::Wrong => {
                refuse("[AUTH] Wrong name or password.", output);
                self.failures += 1;
                if self.failures >= MOST_FAILURES {
                    self.state = State::Closed;
                }
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
}
