//! A temporary folder for a service's program.

use private_postgres::Account;

/// A folder in which a service can make its socket and its keys, also when root has started it and it has become
/// another user.
#[must_use]
pub fn folder_for_a_service() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let account = Account::unprivileged().expect("a user whom services become");
    account.own(folder.path()).expect("a folder to give away");
    folder
}
