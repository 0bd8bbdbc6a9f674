#![allow(clippy::unwrap_used, reason = "tests")]
use std::os::unix::fs::{MetadataExt as _, chown, lchown, symlink};

use private_postgres::Account;

use super::*;

/// Nobody's: neither root's nor the services' user's.
const STRANGER: u32 = 54_321;

#[test]
fn a_second_system_in_one_folder_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let first = Folder::open(&parent.path().join("data")).unwrap();
    let refused = Folder::open(&parent.path().join("data")).unwrap_err();
    assert!(refused.to_string().contains("already running"), "{refused}");
    drop(first);
    Folder::open(&parent.path().join("data")).unwrap();
}

#[test]
fn a_folder_that_holds_something_else_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    std::fs::write(parent.path().join("letter.txt"), "mine").unwrap();
    let mode = || {
        std::fs::metadata(parent.path())
            .unwrap()
            .permissions()
            .mode()
    };
    let before = mode();
    let refused = Folder::open(parent.path()).unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
    assert_eq!(mode(), before);
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[test]
fn sockets_move_to_a_short_path_when_the_folder_has_a_long_one() {
    let parent = tempfile::tempdir().unwrap();
    let short = Folder::open(&parent.path().join("data")).unwrap();
    assert_eq!(short.moved_sockets(), None);
    let long = Folder::open(&parent.path().join("x".repeat(120))).unwrap();
    assert!(long.moved_sockets().is_some());
    assert!(long.socket("mailbox-store").as_os_str().len() <= 107);
}

#[test]
fn moved_sockets_leave_nothing_behind() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("x".repeat(120));
    let open = || Folder::open(&data).unwrap();
    let folder = open();
    let moved = [folder.runtime(), folder.database_sockets()].map(Path::to_owned);
    assert!(moved.iter().all(|moved| moved.is_dir()));
    // One that was killed has not removed its own.
    std::os::unix::net::UnixListener::bind(folder.socket("queue")).unwrap();
    drop(folder);
    assert!(!moved.iter().any(|moved| moved.exists()));

    let again = open();
    assert_eq!(
        [again.runtime(), again.database_sockets()],
        moved.each_ref().map(PathBuf::as_path)
    );
    drop(again);
    // What stands in the data folder stays.
    let short = parent.path().join("data");
    drop(Folder::open(&short).unwrap());
    assert!(short.join("run").is_dir() && short.join("postgres-socket").is_dir());
}

/// A data folder with this owner, and beside it a folder and a file of root's that stay as they are.
struct Attacked {
    place: tempfile::TempDir,
    data: PathBuf,
}

impl Attacked {
    fn by(owner: u32) -> Option<Self> {
        if !is_root() {
            eprintln!("SKIPPED: not root");
            return None;
        }
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        for folder in [&data, &place.path().join("victim")] {
            std::fs::create_dir(folder).unwrap();
            std::fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::write(place.path().join("victim/file"), "root's").unwrap();
        std::fs::write(data.join("postern.toml"), "").unwrap();
        chown(&data, Some(owner), Some(owner)).unwrap();
        Some(Self { place, data })
    }

    /// Puts a link of that owner's into the data folder.
    fn link(&self, name: &str, to: &str, owner: u32) {
        let link = self.data.join(name);
        symlink(self.place.path().join(to), &link).unwrap();
        lchown(link, Some(owner), Some(owner)).unwrap();
    }

    fn refused(&self) -> String {
        let refused = Folder::open(&self.data).unwrap_err().to_string();
        let victim = self.place.path().join("victim");
        let found = victim.metadata().unwrap();
        assert_eq!((found.uid(), found.mode() & 0o777), (0, 0o755));
        let file = victim.join("file");
        assert_eq!(std::fs::read(&file).unwrap(), b"root's");
        assert_eq!(file.metadata().unwrap().uid(), 0);
        assert_eq!(std::fs::read_dir(victim).unwrap().count(), 1);
        refused
    }
}

#[test]
fn root_touches_nothing_in_a_folder_of_somebody_elses() {
    let Some(attacked) = Attacked::by(STRANGER) else {
        return;
    };
    for name in ["run", "secrets", "tls", "log"] {
        attacked.link(name, "victim", STRANGER);
    }
    attacked.link("lock", "victim/new", STRANGER);
    let refused = attacked.refused();
    assert!(
        refused.contains("belongs to the user with the id 54321"),
        "{refused}"
    );
    assert!(refused.contains("chown -R root:"), "{refused}");
    let found = attacked.data.metadata().unwrap();
    assert_eq!((found.uid(), found.mode() & 0o777), (STRANGER, 0o755));
}

#[test]
fn root_follows_no_link_within_its_folder() {
    for name in ["run", "secrets", "tls", "log", "postgres-socket"] {
        let Some(attacked) = Attacked::by(0) else {
            return;
        };
        attacked.link(name, "victim", 0);
        let refused = attacked.refused();
        assert!(refused.contains(&format!("{name} is a link")), "{refused}");
    }
    // Others may be root's own, and only its.
    let Some(attacked) = Attacked::by(0) else {
        return;
    };
    attacked.link("postgres", "victim", STRANGER);
    let refused = attacked.refused();
    assert!(refused.contains("postgres belongs to"), "{refused}");
    std::fs::remove_file(attacked.data.join("postgres")).unwrap();
    attacked.link("postgres", "victim", 0);
    Folder::open(&attacked.data).unwrap();
}

#[test]
fn what_somebody_else_has_put_into_roots_folder_is_refused() {
    for (name, owner) in [
        ("tls", STRANGER),
        ("log", Account::unprivileged().unwrap().uid()),
        ("run", STRANGER),
    ] {
        let Some(attacked) = Attacked::by(0) else {
            return;
        };
        let planted = attacked.data.join(name);
        std::fs::create_dir(&planted).unwrap();
        chown(planted, Some(owner), Some(owner)).unwrap();
        let refused = attacked.refused();
        assert!(refused.contains(&format!("{name} belongs to")), "{refused}");
    }
}

#[test]
fn a_folder_of_the_services_user_becomes_roots() {
    let service = Account::unprivileged().unwrap().uid();
    let Some(attacked) = Attacked::by(service) else {
        return;
    };
    std::fs::create_dir(attacked.data.join("run")).unwrap();
    chown(attacked.data.join("run"), Some(service), None).unwrap();
    drop(Folder::open(&attacked.data).unwrap());
    let found = attacked.data.metadata().unwrap();
    assert_eq!((found.uid(), found.mode() & 0o777), (0, 0o711));
    // That user has lost its rights to the names in it.
    let Some(attacked) = Attacked::by(service) else {
        return;
    };
    attacked.link("log", "victim", service);
    attacked.refused();
}
