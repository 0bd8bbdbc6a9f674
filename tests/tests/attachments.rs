//! Blocked attachments and the free space of the volume, from policy to mailbox.

use crate::harness::{SOON, Smtp, System, eventually, python};

const POLICY: &str = r#"
[receiving.untrusted]
block-attachments = ["*.exe", "application/x-msdownload"]

[receiving.trusted]
block-attachments = ["*.exe", "application/x-msdownload"]
blocked-attachments = "strip"

[[domain]]
name = "files.test"
deliver = "mailboxes"
"#;

/// A new policy takes a moment to be in force everywhere.
fn await_answer(address: std::net::SocketAddr, code: u16) {
    eventually("the new policy in force", SOON, || {
        let mut smtp = Smtp::hello(address).ok()?;
        let reply = smtp.command("MAIL FROM:<a@client.test>").ok()?;
        (reply.code == code).then_some(())
    });
}

#[test]
fn blocked_attachments_are_refused_to_strangers_and_taken_out_for_the_office() {
    let system = System::start();
    system.apply_policy(POLICY);
    system.add_users(&["bob@files.test"]);
    let program = "Content-Type: application/x-msdownload\r\n\r\nx\r\n";
    eventually("the new policy in force", SOON, || {
        let reply = Smtp::hello(system.external())
            .ok()?
            .send("a@client.test", &["bob@files.test"], program.as_bytes())
            .ok()?;
        (reply.code == 550).then_some(())
    });
    let ports = system.ports();
    python(
        "attachments.py",
        &[
            &ports.smtp.to_string(),
            &ports.external.to_string(),
            &ports.imaps.to_string(),
            "bob@files.test",
        ],
    );
    assert!(
        system.logs().contains("blocked-attachment"),
        "the verdict is in the log"
    );
}

#[test]
fn mail_is_put_off_while_the_volume_has_less_than_the_rule_says() {
    let system = System::start();
    let short = POLICY.replacen(
        "block-attachments",
        "min-free-space = \"1000000000 GiB\"\nblock-attachments",
        1,
    );
    system.apply_policy(&short);
    system.add_users(&["bob@files.test"]);
    await_answer(system.external(), 452);
    // Mail of trusted clients is still accepted and delivered.
    let reply = Smtp::hello(system.smtp())
        .unwrap()
        .send(
            "a@client.test",
            &["bob@files.test"],
            b"Subject: x\r\n\r\nx\r\n",
        )
        .unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    system.await_empty_queue();
    system.apply_policy(&short.replacen("1000000000 GiB", "1 B", 1));
    await_answer(system.external(), 250);
}
