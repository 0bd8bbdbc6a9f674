//! A guard ends what it watches when its owner lets go, and only that.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use private_postgres::{EndSignal, Guard};

fn sleeper() -> Child {
    Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn what_is_watched_ends_and_what_is_forgotten_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let removed = folder.path().join("removed");
    std::fs::create_dir(&kept).unwrap();
    std::fs::create_dir(&removed).unwrap();
    let mut children = [sleeper(), sleeper(), sleeper()];
    let [service, database, forgotten] = [0, 1, 2].map(|n: usize| children[n].id());

    let guard = Guard::start().unwrap();
    guard.watch(database, EndSignal::Quit);
    guard.watch(service, EndSignal::Term);
    guard.watch(forgotten, EndSignal::Term);
    guard.forget(forgotten);
    guard.remove_folder(&removed);
    // Its end is awaited; ours are the ended children, so they are waited for beside it.
    let dropping = std::thread::spawn(move || drop(guard));
    assert_eq!(children[0].wait().unwrap().signal(), Some(15));
    assert_eq!(children[1].wait().unwrap().signal(), Some(3));
    dropping.join().unwrap();
    assert!(kept.exists() && !removed.exists());
    assert!(
        children[2].try_wait().unwrap().is_none(),
        "the forgotten one goes on"
    );
    children[2].kill().unwrap();
    children[2].wait().unwrap();
}
