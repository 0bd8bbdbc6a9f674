#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::time::SystemTime;

use super::*;
use crate::certificates::self_signed;

fn pair_in(folder: &Path) -> TlsConfig {
    let config = TlsConfig {
        certificate: folder.join("mail.crt"),
        key: folder.join("mail.key"),
    };
    self_signed(&["mail.example.test".to_owned()])
        .unwrap()
        .write(&config.certificate, &config.key)
        .unwrap();
    config
}

fn reloading(config: &TlsConfig) -> Result<Reloaded<CertifiedKey>, Error> {
    let files = vec![config.certificate.clone(), config.key.clone()];
    let config = config.clone();
    let read = move || certified_key(&config.certificate, &config.key);
    Reloaded::new("certificate", files, read)
}

/// Changes the file's time, so that the change is visible however coarse the file system's clock is.
fn age(path: &Path) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

#[test]
fn a_changed_certificate_is_taken_and_an_unchanged_one_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = pair_in(folder.path());
    let reloaded = reloading(&config).unwrap();
    let first = reloaded.current();
    assert!(!reloaded.reload_if_changed());
    age(&pair_in(folder.path()).certificate);
    assert!(reloaded.reload_if_changed());
    assert_ne!(first.cert, reloaded.current().cert);
}

#[test]
fn a_certificate_that_cannot_be_used_does_not_replace_the_one_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let config = pair_in(folder.path());
    let reloaded = reloading(&config).unwrap();
    let first = reloaded.current();
    std::fs::write(&config.certificate, "half a fi").unwrap();
    age(&config.certificate);
    assert!(!reloaded.reload_if_changed());
    assert_eq!(first.cert, reloaded.current().cert);
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = pair_in(folder.path());
    let other = tempfile::tempdir().unwrap();
    let mixed = TlsConfig {
        certificate: config.certificate,
        key: pair_in(other.path()).key,
    };
    assert!(reloading(&mixed).is_err());
}
