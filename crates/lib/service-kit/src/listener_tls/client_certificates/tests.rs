#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use rustls::pki_types::pem::PemObject as _;
use test_kit::ClientAuthority;

use super::*;
use crate::listener_tls::tests::age;

/// As it is made for a listener, but for the task that looks at the file.
fn verifier_of(path: &Path) -> Verifier {
    let authority = path.to_owned();
    let files = vec![authority.clone()];
    let current = Reloaded::new("authority", files, move || verifier(&authority)).unwrap();
    Verifier {
        current: Arc::new(current),
        required: false,
        algorithms: aws_lc_rs::default_provider().signature_verification_algorithms,
    }
}

#[test]
fn a_changed_authority_vouches_for_its_own_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (ClientAuthority::new("old"), ClientAuthority::new("new"));
    let path = old.write_to(folder.path());
    let verifier = verifier_of(&path);
    let accepts = |authority: &ClientAuthority| {
        let pem = authority.certificate(&["bob@example.test"]).certificate;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        verifier
            .verify_client_cert(&certificate, &[], UnixTime::now())
            .is_ok()
    };
    assert!(accepts(&old) && !accepts(&new));
    age(&new.write_to(folder.path()));
    assert!(verifier.current.reload_if_changed());
    assert!(accepts(&new) && !accepts(&old));
    // What is no authority leaves the one in use.
    std::fs::write(&path, "half a fi").unwrap();
    assert!(!verifier.current.reload_if_changed());
    assert!(accepts(&new));
}
