//! TLS: STARTTLS and implicit TLS (RFC 8314).

use std::sync::Arc;

use imap_protocol::{Reader, Tag};
use service_kit::ServerTls;
use session_io::SessionError;

use super::Session;
use crate::answer::{Answer, Stop};

impl Session {
    pub(super) async fn start_tls(&mut self, tag: &Tag) -> Result<Answer, Stop> {
        let Some(tls) = self.listener.tls.clone().filter(|_| !self.io.is_tls()) else {
            return Ok(Answer::bad("TLS is not available."));
        };
        self.tagged(tag, &Answer::ok("Begin TLS negotiation now."));
        self.io.flush().await?;
        // Drops input sent in plain text after the command.
        self.secure(&tls).await?;
        self.reader = Reader::new(imap_protocol::Limits::default());
        Err(Stop::Said)
    }

    /// Performs the handshake and records its facts, on which logins depend.
    pub(super) async fn secure(&mut self, tls: &Arc<ServerTls>) -> Result<(), Stop> {
        let secured = self.io.start_tls(tls).await;
        let peer = self.io.peer().ip();
        if let Err(error @ SessionError::Tls(_)) = &secured {
            let listener = &self.listener.name;
            self.server.refusals.note_handshake(peer, listener, error);
        }
        secured?;
        self.client.tls = true;
        self.client.bindings = self.io.bindings();
        if let Some(names) = self.io.client_addresses() {
            self.client.certificate = front_end::user_addresses(&names);
        }
        Ok(())
    }
}
