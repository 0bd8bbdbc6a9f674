//! Client certificates and their authorities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::reloaded::Reloaded;
use crate::{Error, pem};

/// Client certificates of a listener.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClientCertificates {
    /// File of the CA certificates (PEM) that sign client certificates. It is read again when it changes.
    #[schemars(extend("type-name" = "file"))]
    pub authority: PathBuf,
    /// Whether clients without a certificate are refused.
    #[serde(default)]
    pub required: bool,
}

impl ClientCertificates {
    pub(super) fn verifier(
        &self,
        shutdown: CancellationToken,
    ) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let files = vec![self.authority.clone()];
        let authority = self.authority.clone();
        let read = move || verifier(&authority);
        let current = Reloaded::start("client certificates' authority", files, read, shutdown)?;
        Ok(Arc::new(Verifier {
            current,
            required: self.required,
            algorithms: aws_lc_rs::default_provider().signature_verification_algorithms,
        }))
    }
}

fn verifier(authority: &Path) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let roots = Arc::new(pem::authorities(authority)?);
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(roots, provider)
        .build()
        .map_err(|error| pem::wrong(authority, &error.to_string()))
}

/// A verifier with the authorities read last.
#[derive(Debug)]
struct Verifier {
    current: Arc<Reloaded<Arc<dyn ClientCertVerifier>>>,
    required: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    /// No hints: rustls would borrow the authorities' names, which may be replaced at any time. The client
    /// knows which certificate to show.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let current = self.current.current();
        current.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
