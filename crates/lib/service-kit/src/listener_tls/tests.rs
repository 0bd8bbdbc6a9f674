#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

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

/// Makes the change visible however coarse the file system's clock is.
fn age(path: &Path) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

#[test]
fn a_changed_certificate_is_taken_and_an_unchanged_one_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = pair_in(folder.path());
    let reloading = Reloading::read(&config).unwrap();
    let first = reloading.current.load_full();
    assert!(!reloading.reload_if_changed());
    age(&pair_in(folder.path()).certificate);
    assert!(reloading.reload_if_changed());
    assert_ne!(first.cert, reloading.current.load_full().cert);
}

#[test]
fn a_certificate_that_cannot_be_used_does_not_replace_the_one_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let config = pair_in(folder.path());
    let reloading = Reloading::read(&config).unwrap();
    let first = reloading.current.load_full();
    std::fs::write(&config.certificate, "half a fi").unwrap();
    age(&config.certificate);
    assert!(!reloading.reload_if_changed());
    assert_eq!(first.cert, reloading.current.load_full().cert);
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
    assert!(Reloading::read(&mixed).is_err());
}
