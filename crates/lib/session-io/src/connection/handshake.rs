//! TLS handshakes, on either side.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::Acceptor;
use tokio_rustls::{LazyConfigAcceptor, TlsConnector, server};

use super::Connection;
use super::binding::server_end_point;
use crate::socket::Socket;
use crate::stream::Stream;
use crate::{ClientTls, ServerTls, SessionError, tls_failure};

impl Connection {
    /// Server side: starts TLS. Input received before is dropped, so that nobody on the path can inject
    /// commands into the protected session (RFC 3207 §5, CVE-2011-0411). The answer that announces TLS must
    /// have been flushed.
    pub async fn start_tls(&mut self, tls: &Arc<ServerTls>) -> Result<(), SessionError> {
        let socket = self.take_socket()?;
        let shaken = accept(Arc::clone(tls), socket);
        let (stream, certificate) = self.bounds.wait(Duration::ZERO, shaken).await??;
        self.stream = Stream::Server(Box::new(stream));
        self.end_point = certificate.and_then(|certificate| server_end_point(&certificate));
        Ok(())
    }

    /// Client side: the same, with the server's `name` (a host name or an address).
    pub async fn start_client_tls(
        &mut self,
        tls: &ClientTls,
        name: &str,
    ) -> Result<(), SessionError> {
        let name = ServerName::try_from(name.trim_end_matches('.').to_owned())
            .map_err(|_| SessionError::Tls(format!("`{name}` is not a server's name")))?;
        let socket = self.take_socket()?;
        let connector = TlsConnector::from(Arc::clone(tls.config()));
        let shaken = connector.connect(name, socket);
        let stream = self
            .bounds
            .wait(Duration::ZERO, shaken)
            .await?
            .map_err(|error| SessionError::Tls(tls_failure::with_server(&error)))?;
        self.stream = Stream::Client(Box::new(stream));
        Ok(())
    }

    /// Takes the plain socket and drops the state of the plain-text phase.
    fn take_socket(&mut self) -> Result<Socket, SessionError> {
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

/// Runs the handshake, and returns the server certificate used. The resolver is called a second time to get
/// it: if the certificate changes in between, a login bound to it fails once.
async fn accept(
    tls: Arc<ServerTls>,
    socket: Socket,
) -> Result<(server::TlsStream<Socket>, Option<CertificateDer<'static>>), SessionError> {
    let failed = |error| SessionError::Tls(tls_failure::with_client(&error));
    let start = LazyConfigAcceptor::new(Acceptor::default(), socket)
        .await
        .map_err(|error| match error.kind() {
            // A probe that connects and goes has begun no handshake that could fail.
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => SessionError::Closed,
            _ => failed(error),
        })?;
    let shown = tls.cert_resolver.resolve(start.client_hello());
    let certificate = shown.and_then(|key| key.cert.first().cloned());
    let stream = start.into_stream(tls).await.map_err(failed)?;
    Ok((stream, certificate))
}
