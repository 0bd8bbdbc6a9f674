//! `postern up` itself: what it refuses, restarts and leaves behind.

use std::process::Command;

use crate::harness::{Imap, Process, SOON, Setup, Smtp, System, eventually, programs};

#[test]
fn mail_outlives_a_restart_of_the_whole_system() {
    let mut system = System::start();
    system.add_domain("restart.test");
    system.add_users(&["bob@restart.test"]);
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    assert_eq!(
        smtp.send(
            "a@x.test",
            &["bob@restart.test"],
            b"Subject: kept\r\n\r\nx\r\n"
        )
        .unwrap()
        .code,
        250
    );

    let pids: Vec<i32> = Process::ALL
        .iter()
        .filter_map(|&process| system.pid(process))
        .collect();
    assert_eq!(pids.len(), Process::ALL.len());
    assert_eq!(system.stop(), Some(0));
    for pid in pids {
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}")).exists(),
            "process {pid} outlived the supervisor"
        );
    }

    system.start_again();
    let mut imap = Imap::inbox(system.ports().imap, "bob@restart.test").unwrap();
    eventually("the message", SOON, || {
        (imap.field_of_all("Subject").ok()? == ["kept"]).then_some(())
    });
}

#[test]
fn a_second_system_in_the_same_folder_is_refused() {
    let system = System::shared();
    let output = system.command(&["up"], "");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("already running"), "{said}");
}

#[test]
fn what_is_killed_is_started_again() {
    let system = System::start();
    for process in Process::ALL {
        let before = system.pid(process);
        assert!(
            before.is_some() && system.kill(process),
            "{}",
            process.name()
        );
        eventually(process.name(), SOON, || {
            let now = system.pid(process);
            (now.is_some() && now != before).then_some(())
        });
    }
    eventually("a system that is well", SOON, || {
        let status = system.command(&["status"], "").status;
        status.success().then_some(())
    });
    system.add_domain("again.test");
    system.add_users(&["bob@again.test"]);
    let reply = eventually("a server", SOON, || {
        let mut smtp = Smtp::hello(system.smtp()).ok()?;
        smtp.send("a@x.test", &["bob@again.test"], b"Subject: x\r\n\r\nx\r\n")
            .ok()
            .filter(|reply| reply.code == 250)
    });
    assert_eq!(reply.code, 250);
}

#[test]
fn nothing_outlives_a_supervisor_that_is_killed() {
    let system = System::start();
    let supervisor = system.supervisor_pid();
    let pids: Vec<i32> = Process::ALL
        .iter()
        .filter_map(|&process| system.pid(process))
        .collect();
    assert!(crate::harness::signal(
        supervisor,
        rustix::process::Signal::KILL
    ));
    eventually("the end of all processes", SOON, || {
        pids.iter().all(|pid| !is_running(*pid)).then_some(())
    });
}

#[test]
fn with_a_database_named_in_the_environment_no_private_one_is_run() {
    let postgres = test_kit::DurablePostgres::start();
    let system = System::start_with(&Setup {
        database_url: Some(postgres.database()),
        ..Setup::default()
    });
    assert!(!system.data().join("postgres").exists());
    system.add_domain("external.test");
    system.add_users(&["bob@external.test"]);
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let reply = smtp.send(
        "a@x.test",
        &["bob@external.test"],
        b"Subject: x\r\n\r\nx\r\n",
    );
    assert_eq!(reply.unwrap().code, 250);
    system.await_empty_queue();
}

/// A process that has ended but was not waited for is not running.
fn is_running(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.trim_start().starts_with('Z'))
    })
}

#[test]
fn every_service_tells_its_version_and_its_health() {
    let system = System::shared();
    for process in Process::ALL
        .iter()
        .filter(|&&process| process != Process::Postgres)
    {
        let program = programs().join(format!("postern-{}", process.name()));
        let version = Command::new(&program).arg("--version").output().unwrap();
        assert!(version.status.success(), "{}", process.name());
        let health = Command::new(&program)
            .arg("--config")
            .arg(system.data().join("postern.toml"))
            .arg("--health")
            .output()
            .unwrap();
        assert!(
            health.status.success(),
            "{}: {}",
            process.name(),
            String::from_utf8_lossy(&health.stderr)
        );
    }
}
