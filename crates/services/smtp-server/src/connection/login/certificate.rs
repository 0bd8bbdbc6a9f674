//! EXTERNAL (RFC 4422 appendix A): the certificate verified by TLS identifies the client, by the mail
//! addresses in it.

use api::refusals::TLS_HANDSHAKE;
use session_io::SessionError;

use crate::connection::Connection;

impl Connection {
    /// Stores the addresses of the client's certificate after the TLS handshake, and records a failed
    /// handshake: a client shows its user little more than a broken connection.
    pub(in crate::connection) fn note_certificate(&mut self, secured: &Result<(), SessionError>) {
        let peer = self.facts.peer;
        let listener = &self.facts.listener;
        if let Err(error @ SessionError::Tls(_)) = secured {
            tracing::info!(%peer, %listener, %error, "handshake failed");
            metrics::counter!("postern_failed_handshakes_total").increment(1);
            self.keep_refusal(TLS_HANDSHAKE, &[error.to_string().into()]);
            return;
        }
        if !self.listener.client_certificates {
            return;
        }
        // A proxy that sends XCLIENT shows its own certificate, not its client's. The certificate logs nobody
        // in, even if the proxy does not send XCLIENT.
        if self.has_named_client() || self.may_override_peer() {
            return;
        }
        let Some(addresses) = self.io.client_addresses() else {
            return;
        };
        self.certificate = front_end::user_addresses(&addresses);
        if self.certificate.is_empty() {
            let reason = "the client's certificate names no mail address: EXTERNAL is not offered";
            tracing::info!(%peer, %listener, "{reason}");
        }
    }
}
