//! From plain text to TLS, on either side.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Connection;
use crate::stream::Stream;
use crate::{ClientTls, ServerTls, SessionError};

impl Connection {
    /// Server side: speaks TLS from here on. What the client sent before is dropped, so that
    /// nobody on the way can put commands into the protected session (RFC 3207 §5, CVE-2011-0411).
    /// The answer that announces TLS must have been flushed.
    pub async fn start_tls(&mut self, tls: &Arc<ServerTls>) -> Result<(), SessionError> {
        let socket = self.take_socket()?;
        let acceptor = TlsAcceptor::from(Arc::clone(tls));
        let accepted = timeout(self.timeout, acceptor.accept(socket)).await;
        let stream = accepted
            .map_err(|_| SessionError::Timeout)?
            .map_err(|error| SessionError::Tls(error.to_string()))?;
        self.stream = Stream::Server(Box::new(stream));
        Ok(())
    }

    /// Client side: the same, with the server known as `name` (a host name or an address).
    pub async fn start_client_tls(
        &mut self,
        tls: &ClientTls,
        name: &str,
    ) -> Result<(), SessionError> {
        let name = ServerName::try_from(name.trim_end_matches('.').to_owned())
            .map_err(|_| SessionError::Tls(format!("`{name}` is not a server's name")))?;
        let socket = self.take_socket()?;
        let connector = TlsConnector::from(Arc::clone(tls.config()));
        let connected = timeout(self.timeout, connector.connect(name, socket)).await;
        let stream = connected
            .map_err(|_| SessionError::Timeout)?
            .map_err(|error| SessionError::Tls(error.to_string()))?;
        self.stream = Stream::Client(Box::new(stream));
        Ok(())
    }

    /// The plain socket, with everything forgotten that was said on it.
    fn take_socket(&mut self) -> Result<tokio::net::TcpStream, SessionError> {
        self.input.clear();
        self.output.clear();
        match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Plain(socket) => Ok(socket),
            tls => {
                self.stream = tls;
                Err(SessionError::Tls("TLS is on already".to_owned()))
            }
        }
    }
}
