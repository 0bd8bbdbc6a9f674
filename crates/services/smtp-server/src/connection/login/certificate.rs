//! EXTERNAL (RFC 4422 appendix A): the certificate that TLS has verified says who the client is, by
//! the mail addresses among its names.

use rules::EmailAddress;
use session_io::SessionError;

use super::Login;
use crate::connection::Connection;
use crate::replies;

impl Connection {
    /// Keeps whom the client's certificate names, once TLS is there, and tells of those that were
    /// no good: a client shows its user little more than that the connection broke.
    pub(in crate::connection) fn note_certificate(&mut self, secured: &Result<(), SessionError>) {
        if !self.listener.client_certificates {
            return;
        }
        let peer = self.facts.peer;
        let listener = &self.facts.listener;
        if let Err(error @ SessionError::Tls(_)) = secured {
            tracing::info!(%peer, %listener, %error, "handshake refused");
            self.keep_refusal("tls-handshake", &[error.to_string().into()]);
            return;
        }
        // Whoever has told of a client by XCLIENT, or is to, shows a certificate of its own and not the
        // client's: it logs nobody in, not even where the proxy forgets to tell.
        if self.is_told() || self.may_override_peer() {
            return;
        }
        let Some(addresses) = self.io.client_addresses() else {
            return;
        };
        self.certificate = addresses.iter().filter_map(|text| user(text)).collect();
        if self.certificate.is_empty() {
            let reason = "the client's certificate names no mail address: EXTERNAL is not offered";
            tracing::info!(%peer, %listener, "{reason}");
        }
    }

    /// As the user whom the certificate names; where it names several, as the one who is asked for,
    /// or as the first.
    pub(in crate::connection) async fn log_in_by_certificate(&mut self, authorization: &str) {
        let mut named = self.certificate.clone();
        if !authorization.is_empty() {
            let asked = user(authorization);
            named.retain(|address| Some(address) == asked.as_ref());
            if named.is_empty() {
                self.note_refusal("login-for-another", &[]);
                self.session.refuse(replies::LOGIN_FAILED, self.io.output());
                return;
            }
        }
        for address in named {
            match self.server.users.exists(&address).await {
                Ok(true) => {
                    self.apply(Login {
                        address,
                        app_password: String::new(),
                    });
                    self.session.accept(self.io.output());
                    return;
                }
                Ok(false) => {}
                Err(status) => {
                    self.refuse_for_now(replies::LOGIN_UNAVAILABLE, &status);
                    return;
                }
            }
        }
        let names = self.certificate.join(", ");
        let reason = format!("the certificate names no user here, but {names}");
        self.refuse_login("certificate-refused", reason);
    }
}

/// As the directory writes it.
fn user(text: &str) -> Option<String> {
    let address = EmailAddress::parse(text).ok()?;
    address.domain()?;
    Some(address.folded().to_string())
}
