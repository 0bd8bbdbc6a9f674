#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::{MetadataExt as _, symlink};

use super::*;
use crate::up::safe_path::is_root;

const OWNER: Owner = (54_321, 54_322);

#[test]
fn a_folder_is_given_without_what_its_links_lead_to() {
    if !is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let foreign = place.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("file"), "").unwrap();
    let given = place.path().join("given");
    std::fs::create_dir_all(given.join("inner")).unwrap();
    std::fs::write(given.join("inner/own"), "").unwrap();
    symlink(&foreign, given.join("folder")).unwrap();
    symlink(foreign.join("file"), given.join("inner/file")).unwrap();
    std::fs::hard_link(foreign.join("file"), given.join("second-name")).unwrap();

    Directory::open(&given).unwrap().give(OWNER).unwrap();

    let owner = |path: PathBuf| {
        let found = path.metadata().unwrap();
        (found.uid(), found.gid())
    };
    assert_eq!(owner(given.clone()), OWNER);
    assert_eq!(owner(given.join("inner")), OWNER);
    assert_eq!(owner(given.join("inner/own")), OWNER);
    assert_eq!(owner(foreign.clone()), ROOT);
    assert_eq!(owner(foreign.join("file")), ROOT);
}

#[test]
fn a_link_is_no_folder() {
    let place = tempfile::tempdir().unwrap();
    let link = place.path().join("link");
    symlink(place.path(), &link).unwrap();
    let refused = Directory::open(&link).unwrap_err();
    assert!(
        refused.to_string().contains("opening the folder"),
        "{refused}"
    );
}

#[test]
fn a_group_is_let_read_files_and_not_what_links_lead_to() {
    if !is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let tls = place.path().join("tls");
    std::fs::create_dir(&tls).unwrap();
    for file in [place.path().join("foreign"), tls.join("key.pem")] {
        std::fs::write(&file, "").unwrap();
        let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, closed).unwrap();
    }
    symlink(place.path().join("foreign"), tls.join("link")).unwrap();
    Directory::open(&tls).unwrap().let_read(OWNER.1).unwrap();
    let key = tls.join("key.pem").metadata().unwrap();
    assert_eq!((key.gid(), key.mode() & 0o777), (OWNER.1, 0o640));
    let foreign = place.path().join("foreign").metadata().unwrap();
    assert_eq!((foreign.gid(), foreign.mode() & 0o777), (0, 0o600));
}
