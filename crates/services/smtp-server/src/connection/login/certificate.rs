//! EXTERNAL (RFC 4422 appendix A): the certificate that TLS has verified says who the client is, by
//! the mail addresses among its names.

use api::login::ClientConnection;
use session_io::SessionError;

use crate::connection::Connection;

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
        self.certificate = ClientConnection::usable_addresses(&addresses);
        if self.certificate.is_empty() {
            let reason = "the client's certificate names no mail address: EXTERNAL is not offered";
            tracing::info!(%peer, %listener, "{reason}");
        }
    }
}
