//! Many recipients, and every kind of end (I2).

use crate::harness::{Imap, SOON, Smtp, System, eventually, unique};

#[test]
fn a_message_to_a_hundred_mailboxes_stands_in_each_once() {
    let system = System::shared();
    let domain = unique("hundred") + ".test";
    system.add_domain(&domain);
    let users: Vec<String> = (0..100).map(|n| format!("user{n}@{domain}")).collect();
    for user in &users {
        system.add_users(&[user]);
    }
    let recipients: Vec<&str> = users.iter().map(String::as_str).collect();
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let reply = smtp
        .send(
            "a@elsewhere.test",
            &recipients,
            b"Subject: all\r\n\r\ntext\r\n",
        )
        .unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    for user in &users {
        let mut imap = Imap::inbox(system.ports().imap, user).unwrap();
        eventually("the message", SOON, || {
            (!imap.uids().unwrap().is_empty()).then_some(())
        });
    }
    system.await_empty_queue();
    for user in &users {
        let mut imap = Imap::inbox(system.ports().imap, user).unwrap();
        let uid = imap.uids().unwrap();
        assert_eq!(uid.len(), 1, "{user}");
        let read = imap.message(uid[0]).unwrap();
        assert!(
            read.windows(user.len())
                .any(|window| window == user.as_bytes()),
            "Delivered-To names {user}"
        );
    }
}
