//! A temporary folder for a service's program.

use private_postgres::Account;

/// A folder in which a service can create its socket and its keys, even after root has started it and it
/// has changed its user.
#[must_use]
pub fn folder_for_a_service() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let account = Account::unprivileged().expect("a user whom services become");
    account.own(folder.path()).expect("a folder to give away");
    folder
}
