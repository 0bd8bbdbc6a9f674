#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_key_is_readable_by_its_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.crt"), folder.path().join("c.key"));
    let pair = self_signed(&["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    pair.write(&certificate, &key).unwrap();
    let mode = fs::metadata(&key).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!(fs::read_to_string(&key).unwrap(), pair.key);
}

#[test]
fn an_authority_is_made_once_and_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("ca.crt"), folder.path().join("ca.key"));
    let first = Authority::open(&certificate, &key).unwrap();
    let second = Authority::open(&certificate, &key).unwrap();
    assert_eq!(first.pair().certificate, second.pair().certificate);
    assert_eq!(first.pair().key, second.pair().key);
}
