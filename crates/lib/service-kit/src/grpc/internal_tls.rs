//! Mutual TLS between services on different machines.
//!
//! The files are read for each connection: there are few, they last, and so a certificate that
//! was renewed is shown by the next one without anybody watching.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ServerConfig};

use crate::config::InternalTlsConfig;
use crate::{Error, pem};

/// RFC 9113 §3.2; gRPC is nothing else.
const HTTP_2: &[u8] = b"h2";

/// Who connects must show a certificate of the same authority.
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

/// Who is connected to must show a certificate of the same authority, for the name it is known by.
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
