//! The process ends at the start if its unprivileged user cannot use a file that root could.

use std::path::Path;
use std::process::Command;

/// A file that only root can read.
fn closed(file: &Path) {
    std::fs::write(file, "").unwrap();
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// The error that the process ends with.
fn refused(folder: &Path, variables: &[(&str, &Path)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_postern-queue"))
        .current_dir(folder)
        .env(
            "POSTERN_DATABASE_URL",
            "postgres://postern@127.0.0.1:1/postern",
        )
        .env(
            "POSTERN_QUEUE__LISTEN",
            format!("unix:{}/queue.sock", folder.display()),
        )
        .env("POSTERN_QUEUE__SECRET_KEY_FILE", folder.join("key"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn files_that_root_alone_can_read_end_the_process_with_the_cure() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let folder = test_kit::folder_for_a_service();
    let passwords = folder.path().join("passwords");
    closed(&passwords);
    let said = refused(folder.path(), &[("PGPASSFILE", &passwords)]);
    let problem = format!(
        "[database] url: {} cannot be read by the user ",
        passwords.display()
    );
    assert!(said.contains(&problem), "{said}");

    let key = folder.path().join("key");
    closed(&key);
    let said = refused(folder.path(), &[]);
    let problem = format!(
        "[queue] secret-key-file: {} cannot be read by the user ",
        key.display()
    );
    assert!(
        said.contains(&problem) && said.contains("setfacl"),
        "{said}"
    );
}

#[test]
fn a_key_that_only_root_could_make_ends_the_process_with_the_cure() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let folder = test_kit::folder_for_a_service();
    let roots = tempfile::tempdir().unwrap();
    let key = roots.path().join("key");
    let said = refused(folder.path(), &[("POSTERN_QUEUE__SECRET_KEY_FILE", &key)]);
    assert!(
        said.contains(&format!("{} is to be made", key.display())),
        "{said}"
    );
    assert!(said.contains("chown "), "{said}");
}
