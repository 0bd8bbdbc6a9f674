//! Large messages: nothing is lost, memory does not grow with them, and bodies are stored once (I7, I12).

use crate::harness::{Imap, Process, SOON, Smtp, System, assert_same_below_trace, eventually};

const MIB: u64 = 1 << 20;

/// An incompressible message of this size: no two lines are equal.
fn message(octets: u64) -> Vec<u8> {
    let mut state: u64 = 0x5eed;
    let mut text = b"Subject: large\r\n\r\n".to_vec();
    while (text.len() as u64) < octets {
        let line: String = (0..8)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                format!("{:08x}", state >> 32)
            })
            .collect();
        text.extend_from_slice(line.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text
}

#[test]
fn thirty_mebioctets_pass_without_any_process_growing_by_a_hundred() {
    let system = System::start();
    system.add_domain("large.test");
    system.add_users(&["bob@large.test"]);
    let send = |message: &[u8]| {
        let mut smtp = Smtp::hello(system.smtp()).unwrap();
        let reply = smtp
            .send("a@elsewhere.test", &["bob@large.test"], message)
            .unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text);
    };
    let mut imap = Imap::inbox(system.ports().imap, "bob@large.test").unwrap();
    // Fills pools and caches before the measurement.
    send(&message(4096));
    let uid = eventually("the small message", SOON, || {
        imap.uids().unwrap().first().copied()
    });
    imap.message(uid).unwrap();
    let services = Process::ALL
        .into_iter()
        .filter(|&process| process != Process::Postgres);
    let before: Vec<(Process, u64)> = services
        .map(|process| (process, system.peak_memory(process)))
        .collect();

    let large = message(30 * MIB);
    send(&large);
    let uid = eventually("the large message", SOON, || {
        imap.uids().unwrap().get(1).copied()
    });
    assert_same_below_trace(&imap.message(uid).unwrap(), &large);
    for (process, before) in before {
        let grown = system.peak_memory(process).saturating_sub(before);
        assert!(
            grown <= 100 * MIB,
            "{} grew by {} MiB",
            process.name(),
            grown / MIB
        );
    }
}

#[test]
fn i12_one_mebioctet_to_a_hundred_mailboxes_is_stored_once() {
    let system = System::start();
    // Postgres' own background writes must not count.
    system.sql("ALTER SYSTEM SET autovacuum = off");
    system.sql("SELECT pg_reload_conf()");
    system.add_domain("once.test");
    let users: Vec<String> = (0..100).map(|n| format!("user{n}@once.test")).collect();
    for user in &users {
        system.add_users(&[user]);
    }
    let recipients: Vec<&str> = users.iter().map(String::as_str).collect();
    let size = || {
        system.sql("CHECKPOINT");
        system
            .sql("SELECT pg_database_size('postern')")
            .parse::<u64>()
            .unwrap()
    };
    let deliver = |message: &[u8], wanted: usize| {
        let mut smtp = Smtp::hello(system.smtp()).unwrap();
        let reply = smtp.send("a@elsewhere.test", &recipients, message).unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text);
        for user in &users {
            let mut imap = Imap::inbox(system.ports().imap, user).unwrap();
            eventually("the message", SOON, || {
                (imap.uids().unwrap().len() == wanted).then_some(())
            });
        }
        system.await_empty_queue();
    };
    // First pages of every table, and today's partitions.
    deliver(&message(4096), 1);
    let before = size();
    deliver(&message(MIB), 2);
    let grown = size() - before;
    assert!(
        grown <= MIB * 13 / 10,
        "the database grew by {grown} octets"
    );
    assert_eq!(system.sql("SELECT count(*) FROM volume.body"), "2");
}
