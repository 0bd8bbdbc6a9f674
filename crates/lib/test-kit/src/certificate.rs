//! Test certificates, each with its own authority, so that verification can be tested too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A server certificate, its key, and the authority that signed it, as PEM.
#[derive(Clone, Debug)]
pub struct TestCertificate {
    /// The server's certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The authority's certificate.
    pub authority: String,
}

impl TestCertificate {
    /// A certificate for these host names or addresses.
    #[must_use]
    pub fn for_names(names: &[&str]) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().expect("making a key");
        let authority =
            CertifiedIssuer::self_signed(authority, authority_key).expect("signing an authority");

        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().expect("making a key");
        let certificate = CertificateParams::new(names)
            .expect("valid host names")
            .signed_by(&key, &authority)
            .expect("signing a certificate");
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            authority: authority.pem(),
        }
    }

    /// Writes `certificate.pem`, `key.pem` and `authority.pem` into `folder` and returns their paths.
    #[must_use]
    pub fn write_to(&self, folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("writing a certificate");
            path
        };
        (
            write("certificate.pem", &self.certificate),
            write("key.pem", &self.key),
            write("authority.pem", &self.authority),
        )
    }

    /// A rustls server with this certificate.
    #[must_use]
    pub fn server_config(&self) -> Arc<rustls::ServerConfig> {
        let chain = vec![
            CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("a certificate"),
        ];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a private key");
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a key that fits its certificate");
        Arc::new(config)
    }

    /// A rustls client that trusts only this certificate's authority.
    #[must_use]
    pub fn client_config(&self) -> Arc<rustls::ClientConfig> {
        Arc::new(self.client_builder().with_no_client_auth())
    }

    pub(crate) fn client_builder(&self) -> ClientBuilder {
        let mut roots = rustls::RootCertStore::empty();
        let authority =
            CertificateDer::from_pem_slice(self.authority.as_bytes()).expect("a certificate");
        roots.add(authority).expect("a valid authority");
        rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_root_certificates(roots)
    }
}

type ClientBuilder = rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert>;

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
