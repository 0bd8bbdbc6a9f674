//! Two Postern servers: mail passes from one to the other, by gateway and by MX, and is returned if it
//! cannot.

use test_kit::FakeDns;

use crate::harness::{Imap, SOON, Setup, Smtp, System, assert_same_below_trace, eventually};

const MESSAGE: &[u8] = "From: <alice@here.test>\r\nTo: <bob@there.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
.\r\n..\r\nGr\u{fc}\u{df}e \u{6771}\u{4eac}\r\n\r\nend\r\n"
    .as_bytes();

/// The receiving server.
fn receiver() -> System {
    let there = System::start();
    there.add_domain("there.test");
    there.add_users(&["bob@there.test"]);
    there
}

fn read_first(system: &System, user: &str) -> Vec<u8> {
    let mut imap = Imap::inbox(system.ports().imap, user).unwrap();
    let uid = eventually("the message", SOON, || {
        imap.uids().unwrap().first().copied()
    });
    imap.message(uid).unwrap()
}

#[test]
fn a_message_that_two_servers_pass_on_is_the_same_below_its_trace() {
    let there = receiver();
    let here = System::start();
    here.apply_policy(&format!(
        "[[gateway]]\nname = \"there\"\nhosts = [\"127.0.0.1:{}\"]\ntls = \"opportunistic\"\n\n\
         [[domain]]\nname = \"here.test\"\ndeliver = \"mailboxes\"\n\n\
         [[domain]]\nname = \"*\"\ndeliver = {{ gateway = \"there\" }}\nfrom = \"trusted\"\n",
        there.ports().smtp
    ));
    here.add_users(&["alice@here.test"]);
    let reply = Smtp::hello(here.smtp())
        .unwrap()
        .send("alice@here.test", &["bob@there.test"], MESSAGE)
        .unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    let read = read_first(&there, "bob@there.test");
    assert_same_below_trace(&read, MESSAGE);
    let received = read
        .windows(9)
        .filter(|window| window == b"Received:")
        .count();
    assert_eq!(received, 2, "each server adds its own Received");

    // An unknown user: the other server refuses, and the sender gets a notice.
    here.await_empty_queue();
    let reply = Smtp::hello(here.smtp())
        .unwrap()
        .send("alice@here.test", &["nobody@there.test"], MESSAGE)
        .unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    let notice = String::from_utf8_lossy(&read_first(&here, "alice@here.test")).into_owned();
    assert!(notice.contains("Return-Path: <>"), "{notice}");
    assert!(notice.contains("multipart/report"), "{notice}");
    assert!(notice.contains("nobody@there.test"), "{notice}");
    here.await_empty_queue();
}

#[test]
fn mail_for_a_domain_finds_its_mx_and_none_for_a_null_mx() {
    let there = receiver();
    let runtime = tokio();
    let dns = runtime.block_on(FakeDns::start(
        "there.test MX 10 mx.there.test\nmx.there.test A 127.0.0.1\n\
         null.test MX 0 .\nonly-address.test A 127.0.0.1\n",
    ));
    let here = System::start_with(&Setup {
        delivery: format!(
            "resolver = \"{}\"\nsmtp-port = {}\n",
            dns.address(),
            there.ports().smtp
        ),
        ..Setup::default()
    });
    here.add_domain("here.test");
    here.add_users(&["alice@here.test"]);
    let mut smtp = Smtp::hello(here.smtp()).unwrap();
    let reply = smtp
        .send("alice@here.test", &["bob@there.test"], MESSAGE)
        .unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    assert_same_below_trace(&read_first(&there, "bob@there.test"), MESSAGE);

    // RFC 7505: this domain accepts no mail. The message is returned at once, not after five days.
    let reply = smtp
        .send("alice@here.test", &["x@null.test"], MESSAGE)
        .unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    let notice = String::from_utf8_lossy(&read_first(&here, "alice@here.test")).into_owned();
    assert!(notice.contains("x@null.test"), "{notice}");
    here.await_empty_queue();
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}
