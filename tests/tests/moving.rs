//! A data folder that is moved or copied, and a database that is restored elsewhere, are the same system:
//! README, "Backup and moving".

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Imap, Setup, Smtp, System};

const USER: &str = "bob@moving.test";

/// A system with a user, a message and a secret.
fn lived_in() -> System {
    let system = System::start();
    system.add_domain("moving.test");
    system.add_users(&[USER]);
    system.postern(&["secret", "set", "provider"], "s3cret\n");
    send(&system, "kept");
    system.await_empty_queue();
    system
}

fn send(system: &System, subject: &str) {
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let message = format!("Subject: {subject}\r\n\r\nx\r\n");
    let reply = smtp.send("a@x.test", &[USER], message.as_bytes()).unwrap();
    assert_eq!(reply.code, 250);
}

fn subjects(system: &System) -> Vec<String> {
    let mut imap = Imap::inbox(system.ports().imap, USER).unwrap();
    imap.field_of_all("Subject").unwrap()
}

fn copy(from: &Path, to: &Path, how: &str) {
    let copied = Command::new("cp")
        .arg(how)
        .arg(from)
        .arg(to)
        .status()
        .unwrap();
    assert!(copied.success());
}

/// Absolute paths, as written by earlier versions.
fn as_versions_before_wrote_it(data: &Path) {
    let file = data.join("postern.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let data = data.display();
    let text = text
        .replace("\"tls/", &format!("\"{data}/tls/"))
        .replace("\"secrets/", &format!("\"{data}/secrets/"))
        .replace("\"postgres\"", &format!("\"{data}/postgres\""))
        .replace("unix:run/", &format!("unix:{data}/run/"));
    std::fs::write(file, text).unwrap();
}

/// The sockets outside the data folder.
fn sockets_outside(data: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(data.join("postern.toml")).unwrap();
    let sockets = text.split("\"unix:/").skip(1);
    let sockets = sockets.filter_map(|rest| rest.split('"').next());
    sockets.map(|path| Path::new("/").join(path)).collect()
}

#[test]
fn a_data_folder_that_is_moved_or_copied_starts_and_has_its_mail() {
    let mut system = lived_in();
    assert_eq!(system.stop(), Some(0));
    let first = system.data();
    as_versions_before_wrote_it(&first);

    let moved = system.use_data("moved");
    std::fs::rename(&first, &moved).unwrap();
    system.start_again();
    assert_eq!(subjects(&system), ["kept"]);
    let text = std::fs::read_to_string(moved.join("postern.toml")).unwrap();
    let first = first.display().to_string();
    assert!(!text.contains(&first), "{text}");
    assert_eq!(system.stop(), Some(0));

    // The files' owners are lost, too.
    let copied = system.use_data("copied");
    copy(&moved, &copied, "-r");
    system.start_again();
    send(&system, "in the copy");
    system.await_empty_queue();
    assert_eq!(subjects(&system), ["kept", "in the copy"]);
    assert_eq!(system.stop(), Some(0));

    // Too long for Unix sockets.
    let long = system.use_data(&"x".repeat(120));
    copy(&copied, &long, "-a");
    system.start_again();
    assert_eq!(subjects(&system), ["kept", "in the copy"]);
    let sockets = sockets_outside(&long);
    assert!(!sockets.is_empty() && sockets.iter().all(|socket| socket.exists()));
    assert_eq!(system.stop(), Some(0));
    for socket in sockets {
        let folder = socket.parent().unwrap();
        assert!(!folder.exists(), "{} is left behind", folder.display());
    }

    let _first = system.use_data("moved");
    system.start_again();
    assert_eq!(
        subjects(&system),
        ["kept"],
        "the copies have a database of their own"
    );
}

#[test]
fn a_dump_of_the_database_and_the_key_make_the_same_system_elsewhere() {
    let system = lived_in();
    let sockets = system.data().join("postgres-socket");
    let dump = Command::new("pg_dump")
        .args(["--no-owner", "--no-privileges", "-U", "postgres", "-h"])
        .arg(sockets)
        .arg("postern")
        .output()
        .unwrap();
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let key = std::fs::read(system.data().join("secrets/policy.key")).unwrap();
    drop(system);

    let postgres = test_kit::DurablePostgres::start();
    let url = postgres.database();
    restore(&url, &dump.stdout);
    let restored = System::start_with(&Setup {
        database_url: Some(url),
        secret_key: Some(key),
        ..Setup::default()
    });
    assert_eq!(subjects(&restored), ["kept"]);
    let secrets = restored.postern(&["secret", "list"], "");
    assert!(secrets.contains("provider"), "{secrets}");
}

fn restore(url: &str, dump: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), dump).unwrap();
    let output = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f"])
        .arg(file.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
