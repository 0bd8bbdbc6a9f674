//! TLS of the mail listeners: one certificate, read again when its files change. If a listener asks for them,
//! clients show certificates, too.

mod client_certificates;

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use crate::config::TlsConfig;
use crate::reloaded::Reloaded;
use crate::{Error, pem};
pub use client_certificates::ClientCertificates;

/// TLS settings of a listener. `session-io` uses the same name.
pub type ServerTls = rustls::ServerConfig;

/// Reads the certificate, and again whenever it changes, until `shutdown`.
pub(crate) fn load(
    config: &TlsConfig,
    shutdown: CancellationToken,
) -> Result<Arc<ServerTls>, Error> {
    let mut tls = builder()?
        .with_no_client_auth()
        .with_cert_resolver(certificate(config, shutdown)?);
    // Tickets hold the session's state, so that none is stored here for returning clients.
    tls.ticketer = aws_lc_rs::Ticketer::new().map_err(unusable)?;
    tls.send_tls13_tickets = 1;
    Ok(Arc::new(tls))
}

/// The same, with client certificates.
pub(crate) fn load_with_clients(
    config: &TlsConfig,
    clients: &ClientCertificates,
    shutdown: CancellationToken,
) -> Result<Arc<ServerTls>, Error> {
    let verifier = clients.verifier(shutdown.clone())?;
    let mut tls = builder()?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificate(config, shutdown)?);
    // A resumed session is not verified again: its certificate may have expired, or its authority may have
    // been replaced.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    Ok(Arc::new(tls))
}

type Builder = rustls::ConfigBuilder<ServerTls, rustls::WantsVerifier>;

fn builder() -> Result<Builder, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    ServerTls::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)
}

fn unusable(error: rustls::Error) -> Error {
    Error::Certificate(error.to_string())
}

/// The current certificate.
#[derive(Debug)]
struct Shown(Arc<Reloaded<CertifiedKey>>);

fn certificate(config: &TlsConfig, shutdown: CancellationToken) -> Result<Arc<Shown>, Error> {
    let files = vec![config.certificate.clone(), config.key.clone()];
    let config = config.clone();
    let read = move || certified_key(&config.certificate, &config.key);
    let reloaded = Reloaded::start("certificate", files, read, shutdown)?;
    Ok(Arc::new(Shown(reloaded)))
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current())
    }
}

/// The certificate and its private key, which must match.
pub(crate) fn certified_key(certificate: &Path, key: &Path) -> Result<CertifiedKey, Error> {
    let chain = pem::certificates(certificate)?;
    let private = pem::private_key(key)?;
    let provider: CryptoProvider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, private, &provider)
        .map_err(|error| pem::wrong(certificate, &error.to_string()))
}

#[cfg(test)]
mod tests;
