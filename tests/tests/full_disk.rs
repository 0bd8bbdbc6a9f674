//! A volume fills up: mail is deferred while Postgres still has space. Everything that frees space or
//! finishes accepted work continues in the rest.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};

use crate::harness::{Imap, Process, SOON, Setup, Smtp, System, Volume, eventually};

const USER: &str = "bob@full.test";

/// Sends large messages until one is refused; returns the number accepted, and the refusal.
fn fill(server: std::net::SocketAddr, random: &mut StdRng) -> (usize, String) {
    let mut taken = 0;
    loop {
        let mut octets = vec![0; 1 << 20];
        random.fill_bytes(&mut octets);
        // Incompressible content.
        let text = STANDARD.encode(&octets);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(76)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        let message = format!("Subject: filling {taken}\r\n\r\n{}\r\n", lines.join("\r\n"));
        let mut smtp = Smtp::hello(server).unwrap();
        let reply = smtp.send("a@x.test", &[USER], message.as_bytes()).unwrap();
        if reply.code != 250 {
            return (taken, reply.text);
        }
        taken += 1;
    }
}

#[test]
fn a_full_volume_puts_mail_off_and_stops_nothing_else() {
    let Some(volume) = Volume::of(640) else {
        return;
    };
    let system = System::start_with(&Setup {
        parent: Some(volume.path().to_owned()),
        mailbox_store: format!("min-free-space = {}\n", 100 << 20),
        ..Setup::default()
    });
    system.apply_policy(
        "[receiving.trusted]\nmin-free-space = \"100 MiB\"\n\n\
         [receiving.untrusted]\nmin-free-space = \"160 MiB\"\n\n\
         [[domain]]\nname = \"full.test\"\ndeliver = \"mailboxes\"\n",
    );
    system.add_users(&[USER]);
    let postgres = system.pid(Process::Postgres).unwrap();
    let mut random = StdRng::seed_from_u64(27);

    // All but what the mail is to fill.
    let free = || {
        let volume = rustix::fs::statvfs(volume.path()).unwrap();
        volume.f_bavail * volume.f_frsize
    };
    let ballast = free().saturating_sub(190 << 20);
    let file = std::fs::File::create(volume.path().join("ballast")).unwrap();
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, ballast).unwrap();

    let (strangers, refusal) = fill(system.external(), &mut random);
    assert!(
        refusal.starts_with("452") && refusal.contains("4.3.1"),
        "{refusal}"
    );
    let (trusted, refusal) = fill(system.smtp(), &mut random);
    assert!(
        refusal.starts_with("452") && refusal.contains("4.3.1"),
        "{refusal}"
    );
    assert!(strangers > 0 && trusted > 0, "{strangers}, {trusted}");

    // Delivery continues.
    system.await_empty_queue();
    let mut imap = Imap::inbox(system.ports().imap, USER).unwrap();
    // Mail of strangers without a name goes to Junk.
    assert_eq!(imap.uids().unwrap().len(), trusted);
    // Nothing is stored by another way.
    let refused = eventually("APPEND is refused", SOON, || {
        let text = "Subject: draft\r\n\r\nx\r\n";
        imap.command(&format!("APPEND Drafts {{{}+}}\r\n{text}", text.len()))
            .err()
    });
    assert!(
        refused
            .to_string()
            .contains("NO [UNAVAILABLE] Too little free space"),
        "{refused}"
    );
    let refused = imap.command("UID COPY 1 Archive").unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("NO [UNAVAILABLE] Too little free space"),
        "{refused}"
    );
    // Messages can be deleted, as clients with and without MOVE do it.
    imap.command("UID COPY 1 Trash").unwrap();
    imap.command("UID STORE 1 +FLAGS (\\Deleted)").unwrap();
    imap.command("EXPUNGE").unwrap();
    imap.command("UID MOVE 2 Trash").unwrap();
    assert_eq!(imap.uids().unwrap().len(), trusted - 2);
    assert!(imap.message(3).unwrap().len() > 1 << 20);
    // Administration continues.
    system.add_users(&["eve@full.test"]);
    system.postern(&["domain", "add", "other.test"], "");

    // With enough space, mail is accepted again.
    drop(file);
    std::fs::remove_file(volume.path().join("ballast")).unwrap();
    eventually("mail is taken again", SOON, || {
        let mut smtp = Smtp::hello(system.external()).ok()?;
        let message = b"Subject: again\r\n\r\nx\r\n";
        let reply = smtp.send("a@x.test", &[USER], message).ok()?;
        std::thread::sleep(Duration::from_millis(50));
        (reply.code == 250).then_some(())
    });
    assert_eq!(system.pid(Process::Postgres), Some(postgres));
}
