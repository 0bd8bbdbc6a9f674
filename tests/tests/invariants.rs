//! ARCHITECTURE.md's invariants, by number, on the running system. The crates also test those of their own;
//! I11 is in `kill.rs`, I12 in `large.rs`.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{Imap, Process, SOON, Sink, Smtp, System, eventually, programs, unique};

#[test]
fn i1_what_was_answered_with_250_survives_the_death_of_everything() {
    let system = System::start();
    system.add_domain("durable.test");
    system.add_users(&["bob@durable.test"]);
    let mut wanted = BTreeSet::new();
    for round in 0..3 {
        let subject = format!("round{round}");
        eventually("an accepted message", SOON, || {
            let message = format!("Subject: {subject}\r\n\r\ntext\r\n");
            let mut smtp = Smtp::hello(system.smtp()).ok()?;
            let reply = smtp
                .send("a@x.test", &["bob@durable.test"], message.as_bytes())
                .ok()?;
            (reply.code == 250).then_some(())
        });
        for process in [
            Process::Postgres,
            Process::Queue,
            Process::SmtpServer,
            Process::Delivery,
            Process::MailboxStore,
        ] {
            system.kill(process);
        }
        wanted.insert(subject);
    }
    let subjects = eventually("all messages", SOON, || {
        let mut imap = Imap::inbox(system.ports().imap, "bob@durable.test").ok()?;
        let subjects = imap.field_of_all("Subject").ok()?;
        (subjects.iter().cloned().collect::<BTreeSet<_>>() == wanted).then_some(subjects)
    });
    assert_eq!(subjects.len(), wanted.len(), "each once: {subjects:?}");
}

#[test]
fn i2_every_recipient_reaches_one_end_and_the_history_says_which() {
    let sink = Sink::start(0);
    let system = System::start();
    system.apply_policy(&format!(
        "[[gateway]]\nname = \"sink\"\nhosts = [\"127.0.0.1:{}\"]\ntls = \"none\"\n\n\
         [[domain]]\nname = \"ends.test\"\ndeliver = \"mailboxes\"\n\n\
         [[domain.handler]]\nmatch = \"noreply\"\ndeliver = \"discard\"\n\n\
         [[domain]]\nname = \"far.test\"\ndeliver = {{ gateway = \"sink\" }}\nfrom = \"trusted\"\n",
        sink.port()
    ));
    system.add_users(&["bob@ends.test"]);
    let ends = [
        ("bob@ends.test", "delivered"),
        ("noreply@ends.test", "discarded"),
        ("someone@far.test", "relayed"),
        ("nobody@far.test", "bounced"),
    ];
    let mut command = vec![
        "send",
        "--from",
        "bob@ends.test",
        "--subject",
        "ends",
        "--body",
        "text",
        "--wait",
        "1 min",
    ];
    for (recipient, _) in ends {
        command.extend(["--to", recipient]);
    }
    command.push("--json");
    // Exit code 1: one of them bounced.
    let output = system.command(&command, "");
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let sent: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let shown = system.json(&["queue", "show", &sent["message"].to_string()]);
    assert_eq!(shown["waiting"], serde_json::Value::Null, "{shown}");
    for (recipient, end) in ends {
        let events: Vec<_> = shown["history"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["recipient"] == recipient)
            .collect();
        assert_eq!(events.len(), 1, "{recipient}: {shown}");
        assert_eq!(events[0]["outcome"], end, "{shown}");
        assert!(events[0]["policy_revision"].as_u64() > Some(0), "{shown}");
    }
    assert!(sink.next().contains("someone@far.test"));
    // The sender gets a notice of the bounce.
    let mut imap = Imap::inbox(system.ports().imap, "bob@ends.test").unwrap();
    eventually("the message and the notice", SOON, || {
        (imap.uids().unwrap().len() == 2).then_some(())
    });
}

#[test]
fn i3_a_message_whose_delivery_is_cut_off_stands_in_its_mailbox_once() {
    let system = System::start();
    system.add_domain("once.test");
    system.add_users(&["bob@once.test"]);
    let mut wanted: Vec<String> = Vec::new();
    // The worker dies between the mailbox's commit and its report to the queue, again and again.
    for round in 0..20 {
        let subject = format!("round{round}");
        let message = format!("Subject: {subject}\r\n\r\ntext\r\n");
        let mut smtp = Smtp::hello(system.smtp()).unwrap();
        let reply = smtp
            .send("a@x.test", &["bob@once.test"], message.as_bytes())
            .unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text);
        wanted.push(subject);
        system.kill(Process::Delivery);
    }
    system.await_empty_queue();
    let mut subjects = Imap::inbox(system.ports().imap, "bob@once.test")
        .unwrap()
        .field_of_all("Subject")
        .unwrap();
    subjects.sort();
    wanted.sort();
    assert_eq!(subjects, wanted);
}

#[test]
fn i4_a_dead_workers_mail_goes_on_in_seconds() {
    let sink = Sink::start(1);
    let system = System::start();
    system.apply_policy(&format!(
        "[[gateway]]\nname = \"sink\"\nhosts = [\"127.0.0.1:{}\"]\ntls = \"none\"\n\n\
         [[domain]]\nname = \"*\"\ndeliver = {{ gateway = \"sink\" }}\nfrom = \"trusted\"\n",
        sink.port()
    ));
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let reply = smtp
        .send(
            "a@here.test",
            &["bob@far.test"],
            b"Subject: lease\r\n\r\ntext\r\n",
        )
        .unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    eventually("a worker that hangs", SOON, || {
        (sink.connections() == 1).then_some(())
    });
    let died = Instant::now();
    assert!(system.kill(Process::Delivery));
    assert!(sink.next().contains("bob@far.test"));
    assert!(
        died.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        died.elapsed()
    );
    system.await_empty_queue();
}

#[test]
fn i5_nobody_sees_a_uid_before_a_lower_one() {
    let system = System::shared();
    let domain = unique("order") + ".test";
    system.add_domain(&domain);
    let user = format!("bob@{domain}");
    system.add_users(&[&user]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut smtp = Smtp::hello(system.smtp()).unwrap();
                    for _ in 0..50 {
                        let reply = smtp
                            .send("a@x.test", &[&user], b"Subject: x\r\n\r\nx\r\n")
                            .unwrap();
                        assert_eq!(reply.code, 250, "{}", reply.text);
                    }
                })
            })
            .collect();
        let watchers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut imap = Imap::inbox(system.ports().imap, &user).unwrap();
                    let mut seen: Vec<u32> = Vec::new();
                    loop {
                        let last = done.load(Ordering::SeqCst);
                        let now = imap.uids().unwrap();
                        assert!(now.is_sorted(), "{now:?}");
                        assert!(now.starts_with(&seen), "{seen:?} became {now:?}");
                        if last && now.len() == 200 {
                            return;
                        }
                        seen = now;
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.join().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        for watcher in watchers {
            watcher.join().unwrap();
        }
    });
}

#[test]
fn i8_without_a_queue_nothing_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    // A server started by root becomes another user, who needs access to its sockets.
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let port = test_kit::free_port();
    let configuration = folder.path().join("postern.toml");
    let sockets = folder.path().join("run");
    let sockets = sockets.display();
    std::fs::write(
        &configuration,
        format!(
            "hostname = \"alone.test\"\n[endpoints]\nqueue = \"unix:{sockets}/queue.sock\"\n\
             mailbox-store = \"unix:{sockets}/mailbox-store.sock\"\n[smtp-server]\nhealth = \"unix:{sockets}/h.sock\"\n\
             [[smtp-server.listener]]\naddress = \"127.0.0.1:{port}\"\nclass = \"internal\"\n"
        ),
    )
    .unwrap();
    let mut server = Command::new(programs().join("postern-smtp-server"))
        .arg("--config")
        .arg(&configuration)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = ([127, 0, 0, 1], port).into();
    let (mut smtp, greeting) = eventually("a greeting", SOON, || {
        assert!(server.try_wait().unwrap().is_none(), "the server has ended");
        Smtp::connect(address).ok()
    });
    // Either the greeting refuses, or no transaction begins.
    if greeting.code != 421 {
        let reply = smtp.command("EHLO client.test").unwrap();
        let reply = if reply.code == 250 {
            smtp.command("MAIL FROM:<a@x.test>").unwrap()
        } else {
            reply
        };
        assert!((400..500).contains(&reply.code), "{}", reply.text);
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn i8_while_the_database_is_stopped_nothing_is_accepted() {
    let system = System::start();
    system.add_domain("closed.test");
    system.add_users(&["bob@closed.test"]);
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let good = smtp
        .send(
            "a@x.test",
            &["bob@closed.test"],
            b"Subject: before\r\n\r\nx\r\n",
        )
        .unwrap();
    assert_eq!(good.code, 250, "{}", good.text);
    system.await_empty_queue();

    // Its connections hang, as after a failure of a disk or a host.
    let backends = system.sql("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE backend_type = 'client backend'");
    let frozen: Vec<i32> = backends
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .chain(system.pid(Process::Postgres))
        .collect();
    for &pid in &frozen {
        crate::harness::signal(pid, rustix::process::Signal::STOP);
    }
    let message = b"Subject: during\r\n\r\nx\r\n";
    let answer = std::thread::scope(|scope| {
        let sending = scope.spawn(|| smtp.send("a@x.test", &["bob@closed.test"], message));
        std::thread::sleep(Duration::from_secs(3));
        let early = sending.is_finished();
        for &pid in &frozen {
            crate::harness::signal(pid, rustix::process::Signal::CONT);
        }
        (early, sending.join().unwrap())
    });
    // A reply given while no commit was possible was a refusal; a later one may be either.
    let accepted = match answer {
        (true, Ok(reply)) => {
            assert!(reply.code >= 400, "{}", reply.text);
            false
        }
        (_, reply) => reply.is_ok_and(|reply| reply.code == 250),
    };
    if accepted {
        let mut imap = Imap::inbox(system.ports().imap, "bob@closed.test").unwrap();
        eventually("the message", SOON, || {
            imap.field_of_all("Subject")
                .ok()?
                .contains(&"during".to_owned())
                .then_some(())
        });
    }
}

#[test]
fn i9_untrusted_senders_reach_only_what_is_open_to_everyone() {
    let sink = Sink::start(0);
    let system = System::start();
    system.apply_policy(&format!(
        "[[gateway]]\nname = \"sink\"\nhosts = [\"127.0.0.1:{}\"]\ntls = \"none\"\n\n\
         [[domain]]\nname = \"ours.test\"\ndeliver = \"mailboxes\"\n\n\
         [[domain]]\nname = \"backup.test\"\ndeliver = {{ gateway = \"sink\" }}\nfrom = \"everyone\"\n\n\
         [[domain]]\nname = \"outbound.test\"\ndeliver = {{ gateway = \"sink\" }}\nfrom = \"trusted\"\n\n\
         [[domain]]\nname = \"*\"\ndeliver = {{ gateway = \"sink\" }}\nfrom = \"trusted\"\n",
        sink.port()
    ));
    system.add_users(&["bob@ours.test"]);
    let answer = |address, recipient: &str| {
        let mut smtp = Smtp::hello(address).unwrap();
        assert_eq!(smtp.command("MAIL FROM:<a@sender.test>").unwrap().code, 250);
        smtp.command(&format!("RCPT TO:<{recipient}>"))
            .unwrap()
            .code
    };
    for (recipient, untrusted, trusted) in [
        ("bob@ours.test", 250, 250),
        ("nobody@ours.test", 550, 550),
        ("x@backup.test", 250, 250),
        ("x@outbound.test", 550, 250),
        ("x@anywhere.test", 550, 250),
        ("x%anywhere.test@ours.test", 550, 550),
        ("\"x@anywhere.test\"@ours.test", 550, 550),
    ] {
        assert_eq!(
            answer(system.external(), recipient),
            untrusted,
            "{recipient}, from outside"
        );
        assert_eq!(
            answer(system.smtp(), recipient),
            trusted,
            "{recipient}, from inside"
        );
    }
    // RFC 5321 §4.1.1.3: a source route is ignored, not followed.
    let mut smtp = Smtp::hello(system.external()).unwrap();
    assert_eq!(smtp.command("MAIL FROM:<a@sender.test>").unwrap().code, 250);
    assert!(
        smtp.command("RCPT TO:<@ours.test:x@anywhere.test>")
            .unwrap()
            .code
            >= 500
    );
}
