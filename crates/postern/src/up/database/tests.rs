#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use private_postgres::{Account, Cluster, Guard, Installation};
use rustix::process::{Pid, Signal};

use super::{Database, NAME, Private, Stop, start_private};
use crate::up::screen::Screen;

/// A session that stays open; it has answered once.
fn session(url: &str) -> Child {
    let mut psql = Command::new(Installation::find().unwrap().program("psql"))
        .args(["-X", "-q", "-A", "-t", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let asked = psql.stdin.as_mut().unwrap();
    asked.write_all(b"SELECT 1;\n").unwrap();
    let mut answer = String::new();
    BufReader::new(psql.stdout.as_mut().unwrap())
        .read_line(&mut answer)
        .unwrap();
    assert_eq!(answer, "1\n");
    psql
}

fn private(folder: &std::path::Path, guard: &Arc<Guard>) -> Private {
    let account = Account::unprivileged().unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    account.own(folder).unwrap();
    let cluster = Cluster::at(&folder.join("data"), folder, &folder.join("log"), account).unwrap();
    start_private(cluster, Arc::clone(guard), &Screen::stdout()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_somebody_told_to_end_is_started_again_although_a_session_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Arc::new(Guard::start().unwrap());
    let private = private(folder.path(), &guard);
    let (cluster, url) = (private.cluster.clone(), private.url.clone());
    let old = private.server.as_ref().unwrap().pid();
    let mut held = session(&url);
    let number = Pid::from_raw(i32::try_from(old).unwrap()).unwrap();
    rustix::process::kill_process(number, Signal::TERM).unwrap();

    let stop = Stop::default();
    let mut database = Database::Private(Box::new(private));
    let drain = stop.drain.clone();
    let again = tokio::task::spawn_blocking(move || {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
        // Which postmaster answers: asked until it is another one. Each question is a process.
        let asked = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)";
        let new = loop {
            if let Ok(answer) = cluster.execute(NAME, asked)
                && answer.trim() != old.to_string()
            {
                break Some(answer);
            }
            if std::time::Instant::now() > until {
                break None;
            }
        };
        drain.cancel();
        new
    });
    let screen = Screen::stdout();
    database.restart_when_it_dies(&screen, &stop).await;
    assert!(again.await.unwrap().is_some(), "it did not come back");
    held.kill().unwrap();
    held.wait().unwrap();
    database.stop(&screen).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_does_not_stop_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Arc::new(Guard::start().unwrap());
    let private = private(folder.path(), &guard);
    let pid = private.server.as_ref().unwrap().pid();
    let number = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(number, Signal::STOP).unwrap();
    let database = Database::Private(Box::new(private));
    let limit = std::time::Duration::from_millis(50);
    let failed = database.stop_within(limit, &Screen::stdout()).await;
    let said = format!("{:#}", failed.unwrap_err());
    let named = format!("Postgres (process {pid}) had to be ended by force");
    assert!(said.contains(&named), "{said}");
    assert!(said.contains(&folder.path().join("log").display().to_string()));
    // Instead of the guard, which is patient.
    rustix::process::kill_process(number, Signal::KILL).unwrap();
    rustix::process::waitpid(Some(number), rustix::process::WaitOptions::empty()).unwrap();
    guard.forget(pid);
}
