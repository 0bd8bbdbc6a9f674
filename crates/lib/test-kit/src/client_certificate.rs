//! Client certificates and their authorities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType, date_time_ymd,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::TestCertificate;

/// An authority for clients.
pub struct ClientAuthority(CertifiedIssuer<'static, KeyPair>);

impl ClientAuthority {
    /// A new, unknown authority with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("making a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("signing an authority"))
    }

    /// Writes its certificate, as PEM.
    #[must_use]
    pub fn write_to(&self, folder: &Path) -> PathBuf {
        let path = folder.join("clients.pem");
        std::fs::write(&path, self.0.pem()).expect("writing a certificate");
        path
    }

    /// A certificate for these mail addresses.
    #[must_use]
    pub fn certificate(&self, addresses: &[&str]) -> ClientCertificate {
        self.sign(addresses, 2099)
    }

    /// An expired certificate.
    #[must_use]
    pub fn expired(&self, addresses: &[&str]) -> ClientCertificate {
        self.sign(addresses, 2001)
    }

    fn sign(&self, addresses: &[&str], until: i32) -> ClientCertificate {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let name = |text: &&str| SanType::Rfc822Name((*text).try_into().expect("an address"));
        params.subject_alt_names = addresses.iter().map(name).collect();
        let key = KeyPair::generate().expect("making a key");
        let certificate = params.signed_by(&key, &self.0);
        ClientCertificate {
            certificate: certificate.expect("signing a certificate").pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A client's certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl ClientCertificate {
    /// A rustls client for this server, with this certificate.
    #[must_use]
    pub fn client_config(&self, server: &TestCertificate) -> Arc<rustls::ClientConfig> {
        let chain = vec![
            CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("a certificate"),
        ];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a private key");
        let config = server
            .client_builder()
            .with_client_auth_cert(chain, key)
            .expect("a key that fits its certificate");
        Arc::new(config)
    }
}
