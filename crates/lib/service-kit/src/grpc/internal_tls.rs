//! Mutual TLS between services on different machines.
//!
//! The files are read for each connection. Connections are few and last long, so a renewed certificate is
//! used by the next one without a watcher.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ServerConfig};

use crate::config::InternalTlsConfig;
use crate::{Error, pem};

/// RFC 9113 §3.2; gRPC uses only this protocol.
const HTTP_2: &[u8] = b"h2";

/// TLS settings of a server. Clients need a certificate of the same authority.
pub(super) fn server(tls: &InternalTlsConfig) -> Result<Arc<ServerConfig>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(pem::authorities(&tls.ca)?);
    let clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| pem::wrong(&tls.ca, &error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Certificate(error.to_string()))?
        .with_client_cert_verifier(clients)
        .with_single_cert(
            pem::certificates(&tls.certificate)?,
            pem::private_key(&tls.key)?,
        )
        .map_err(|error| pem::wrong(&tls.certificate, &error.to_string()))?;
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    Ok(Arc::new(config))
}

/// TLS settings of a client. The server needs a certificate of the same authority, for its name.
pub(super) fn client(tls: &InternalTlsConfig) -> Result<Arc<ClientConfig>, Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Certificate(error.to_string()))?
        .with_root_certificates(pem::authorities(&tls.ca)?)
        .with_client_auth_cert(
            pem::certificates(&tls.certificate)?,
            pem::private_key(&tls.key)?,
        )
        .map_err(|error| pem::wrong(&tls.certificate, &error.to_string()))?;
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    Ok(Arc::new(config))
}
