#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn only_the_user_may_open_the_socket_and_its_new_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/queue.sock");
    let _socket = bind(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.sock");
    let first = bind(&path).unwrap();
    assert!(bind(&path).is_err());
    drop(first);
    assert!(path.exists());
    bind(&path).unwrap();
}

#[tokio::test]
async fn a_file_in_its_place_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.sock");
    fs::write(&path, "precious").unwrap();
    assert!(bind(&path).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn a_folder_that_others_may_write_to_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(bind(&folder.path().join("queue.sock")).is_err());
}
