//! A server starts although one that was killed has not quite gone.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use private_postgres::{Account, Cluster, EndSignal, Guard};

const REFUSED: &str = "lock file \"postmaster.pid\" already exists";

#[test]
fn a_killed_postmaster_that_nobody_has_reaped_yet_only_delays_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let account = Account::unprivileged().unwrap();
    account.own(folder.path()).unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let cluster = Cluster::at(&data, folder.path(), &log, account).unwrap();
    cluster.initialise(false).unwrap();
    // Postgres believes in a process of its own user alone.
    let mut dead = Command::new("sleep");
    if account.is_other() {
        dead.uid(account.uid());
    }
    let mut dead = dead.arg("600").stdin(Stdio::null()).spawn().unwrap();
    dead.kill().unwrap();
    let noted = data.join("postmaster.pid");
    std::fs::write(&noted, format!("{}\n", dead.id())).unwrap();
    account.own(&noted).unwrap();

    let guard = Guard::start().unwrap();
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| cluster.start(&[], &guard, EndSignal::Quit));
        let until = Instant::now() + Duration::from_secs(30);
        while !std::fs::read_to_string(&log).is_ok_and(|said| said.contains(REFUSED)) {
            assert!(Instant::now() < until, "the killed one was not in the way");
            std::thread::yield_now();
        }
        dead.wait().unwrap();
        let mut server = starting.join().unwrap().unwrap();
        server.abandon().unwrap();
    });
}
