#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use super::*;

/// Nobody's: neither root's nor the services' user's.
const STRANGER: u32 = 54_321;

/// A folder of root's within a temporary one.
fn places() -> Option<tempfile::TempDir> {
    if !is_root() {
        eprintln!("SKIPPED: not root");
        return None;
    }
    Some(tempfile::tempdir().unwrap())
}

fn folder(path: PathBuf, owner: u32, mode: u32) -> PathBuf {
    std::fs::create_dir(&path).unwrap();
    chown(&path, Some(owner), Some(owner)).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

fn refused(path: &Path) -> String {
    refuse_unsafe(path).unwrap_err().to_string()
}

#[test]
fn a_folder_of_roots_own_is_taken_although_it_stands_in_a_shared_one() {
    let Some(places) = places() else { return };
    let shared = folder(places.path().join("shared"), 0, 0o1777);
    refuse_unsafe(&folder(shared.join("data"), 0, 0o755)).unwrap();
    refuse_unsafe(&shared.join("not/there/yet")).unwrap();
    let service = Account::unprivileged().unwrap().uid();
    refuse_unsafe(&folder(shared.join("services"), service, 0o700)).unwrap();
}

#[test]
fn a_folder_that_somebody_else_can_change_is_refused() {
    let Some(places) = places() else { return };
    let service = Account::unprivileged().unwrap().uid();
    for (name, owner, mode, words) in [
        ("stranger", STRANGER, 0o700, "chown -R root:"),
        ("open", 0, 0o777, "chmod go-w"),
        ("group", 0, 0o770, "chmod go-w"),
        ("shared", 0, 0o1777, "chmod go-w"),
        ("services", service, 0o770, "chmod go-w"),
    ] {
        let error = refused(&folder(places.path().join(name), owner, mode));
        assert!(error.contains(words), "{name}: {error}");
    }
}

#[test]
fn so_is_one_below_such_a_folder() {
    let Some(places) = places() else { return };
    let service = Account::unprivileged().unwrap().uid();
    for (name, owner, mode, words) in [
        (
            "stranger",
            STRANGER,
            0o755,
            "belongs to the user with the id 54321",
        ),
        (
            "sticky",
            STRANGER,
            0o1777,
            "belongs to the user with the id 54321",
        ),
        ("services", service, 0o755, "belongs to the user "),
        ("open", 0, 0o777, "(mode 777)"),
    ] {
        let above = folder(places.path().join(name), owner, mode);
        for below in [
            folder(above.join("data"), 0, 0o700),
            above.join("not/there/yet"),
        ] {
            let error = refused(&below);
            assert!(error.contains(words), "{name}: {error}");
        }
    }
}

#[test]
fn links_are_followed_above_the_folder_where_root_made_them() {
    let Some(places) = places() else { return };
    let real = folder(places.path().join("real"), 0, 0o755);
    folder(real.join("data"), 0, 0o700);
    let link = places.path().join("link");
    symlink("real", &link).unwrap();
    refuse_unsafe(&link.join("data")).unwrap();
    assert!(refused(&link).contains("Name the folder itself"));

    let foreign = folder(places.path().join("foreign"), STRANGER, 0o755);
    symlink(&foreign, real.join("out")).unwrap();
    assert!(refused(&real.join("out/data")).contains("foreign belongs to"));

    let shared = folder(places.path().join("shared"), 0, 0o1777);
    symlink(&real, shared.join("strangers")).unwrap();
    std::os::unix::fs::lchown(shared.join("strangers"), Some(STRANGER), None).unwrap();
    assert!(refused(&shared.join("strangers/data")).contains("belongs to"));

    symlink("circle", places.path().join("circle")).unwrap();
    assert!(refused(&places.path().join("circle/data")).contains("too many links"));
}

#[test]
fn what_is_made_can_be_used() {
    let Some(places) = places() else { return };
    let data = places.path().join("a/b");
    assert_eq!(make(&data).unwrap(), data.canonicalize().unwrap());
    refuse_unsafe(&data).unwrap();
}

#[test]
fn owners_outside_of_a_namespace_of_users_have_nothing_of_roots() {
    let everybody = "         0          0 4294967295\n";
    assert!(!is_outside(65_534, everybody));
    assert!(is_outside(65_534, "         0       1000          1\n"));
    assert!(!is_outside(1_000, "0 1000 1\n1 100000 65536\n"));
    assert!(!is_outside(65_534, ""));
}
