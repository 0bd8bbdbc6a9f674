//! Certificates made by Postern: a self-signed one for the mail listeners until the administrator installs
//! another, and an internal authority by which services on different machines authenticate each other.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::Error;

const AUTHORITY_NAME: &str = "Postern internal authority";

/// A certificate and its key, as PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Pair {
    /// Writes both files. Only the owner can read the key.
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), Error> {
        replace(key, self.key.as_bytes(), 0o600)?;
        self.write_certificate(certificate)
    }

    /// Writes the certificate only.
    pub fn write_certificate(&self, certificate: &Path) -> Result<(), Error> {
        replace(certificate, self.certificate.as_bytes(), 0o644)
    }
}

/// A self-signed certificate for these names and addresses. Clients will ask whether to trust it.
pub fn self_signed(names: &[String]) -> Result<Pair, Error> {
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = params(names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// The authority that signs the services' certificates.
pub struct Authority {
    certificate: String,
    key: KeyPair,
}

impl Authority {
    /// Creates an authority.
    pub fn create() -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = authority_params().self_signed(&key).map_err(failed)?;
        Ok(Self {
            certificate: certificate.pem(),
            key,
        })
    }

    /// Reads an existing authority, or creates one and writes it.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, Error> {
        if certificate.exists() && key.exists() {
            let read =
                |path: &Path| fs::read_to_string(path).map_err(|error| Error::file(path, error));
            return Ok(Self {
                certificate: read(certificate)?,
                key: KeyPair::from_pem(&read(key)?).map_err(failed)?,
            });
        }
        let authority = Self::create()?;
        authority.pair().write(certificate, key)?;
        Ok(authority)
    }

    /// Its own certificate and key.
    pub fn pair(&self) -> Pair {
        Pair {
            certificate: self.certificate.clone(),
            key: self.key.serialize_pem(),
        }
    }

    /// A certificate for a service with these names. It is valid at both ends of a connection.
    pub fn issue(&self, names: &[String]) -> Result<Pair, Error> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params(names)?;
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        // The authority's parameters are constant: signing needs its name and key only.
        let issuer = Issuer::new(authority_params(), &self.key);
        let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
        Ok(Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(AUTHORITY_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params);
    params
}

fn params(names: &[String]) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(names).map_err(failed)?;
    let first = names.first().map_or("localhost", String::as_str);
    params.distinguished_name = name(first);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    validity(&mut params);
    Ok(params)
}

/// Only the administrator renews these certificates, and can do so at any time.
fn validity(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn failed(error: rcgen::Error) -> Error {
    Error::Certificate(error.to_string())
}

/// Writes a new file and renames it, so that no reader sees half a file.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let _ = fs::remove_file(&beside);
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| Error::file(path, error))
}

#[cfg(test)]
mod tests;
