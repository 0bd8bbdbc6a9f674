#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_secret_opens_under_its_key_and_its_name_only() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(&folder.path().join("key")).unwrap();
    let sealed = vault.seal("isp", b"correct horse").unwrap();
    let copy = || Sealed {
        nonce: sealed.nonce.clone(),
        sealed: sealed.sealed.clone(),
    };
    assert_eq!(vault.unseal("isp", copy()).unwrap(), b"correct horse");
    assert!(matches!(
        vault.unseal("other", copy()),
        Err(VaultError::WrongKey)
    ));
    let mut damaged = copy();
    damaged.sealed[0] ^= 1;
    assert!(matches!(
        vault.unseal("isp", damaged),
        Err(VaultError::WrongKey)
    ));
    let mut short = copy();
    short.nonce.clear();
    assert!(matches!(
        vault.unseal("isp", short),
        Err(VaultError::WrongKey)
    ));
    let other = Vault::open(&folder.path().join("other")).unwrap();
    assert!(matches!(
        other.unseal("isp", copy()),
        Err(VaultError::WrongKey)
    ));
}

#[test]
fn no_two_seals_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(&folder.path().join("key")).unwrap();
    let one = vault.seal("isp", b"same").unwrap();
    let two = vault.seal("isp", b"same").unwrap();
    assert_ne!(one.nonce, two.nonce);
    assert_ne!(one.sealed, two.sealed);
}

#[test]
fn the_key_file_is_made_once_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.key");
    Vault::open(&path).unwrap();
    let first = std::fs::read(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    Vault::open(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left beside"
    );
}

#[test]
fn a_file_that_holds_no_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for text in ["", "not base64!", "c2hvcnQ="] {
        std::fs::write(&path, text).unwrap();
        assert!(
            matches!(Vault::open(&path), Err(VaultError::NotAKey(_))),
            "{text}"
        );
    }
}
