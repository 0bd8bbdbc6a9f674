//! Delivery options: mail that is held, has a deadline, or has a priority.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::harness::{Imap, Process, SOON, Sink, System, eventually, python};

/// Longer than it takes to look at the queue and to kill and restart a process.
const HELD_SECONDS: i64 = 20;

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[test]
fn i11_a_message_is_held_over_a_crash_and_others_are_delivered_in_time_or_returned() {
    let system = System::start();
    // Another server, without DELIVERBY.
    let sink = Sink::start(0);
    system.apply_policy(&format!(
        "[[gateway]]\nname = \"sink\"\nhosts = [\"127.0.0.1:{}\"]\ntls = \"none\"\n\n\
         [[domain]]\nname = \"here.test\"\ndeliver = \"mailboxes\"\n\n\
         [[domain]]\nname = \"*\"\ndeliver = {{ gateway = \"sink\" }}\nfrom = \"trusted\"\n",
        sink.port()
    ));
    let bob = "bob@here.test";
    system.add_users(&[bob]);
    let begun = now();
    let submission = system.ports().submission.to_string();
    let seconds = HELD_SECONDS.to_string();
    python("requests.py", &[&submission, bob, &seconds, "x@far.test"]);

    let waiting = system.json(&["queue", "list", "--recipient", bob]);
    let held = waiting
        .as_array()
        .unwrap()
        .iter()
        .find(|message| message["subject"] == "held")
        .unwrap_or_else(|| panic!("it is not held: {waiting}"));
    assert!(held["held_until"].is_string(), "{held}");
    assert_eq!(held["recipients"][0]["under_way"], false, "{held}");
    let shown = system.postern(&["queue", "show", &held["message"].to_string()], "");
    assert!(shown.contains("Held until "), "{shown}");
    assert!(system.kill(Process::Queue));

    let mut imap = Imap::inbox(system.ports().imap, bob).unwrap();
    let mut read = |messages: usize| -> Vec<String> {
        let uids = eventually("the messages", SOON * 2, || {
            let uids = imap.uids().unwrap();
            (uids.len() >= messages).then_some(uids)
        });
        let read = uids.iter().map(|uid| imap.message(*uid).unwrap());
        read.map(|one| String::from_utf8(one).unwrap()).collect()
    };
    let first = read(2);
    if now() < begun + HELD_SECONDS {
        let held = first.iter().find(|one| one.contains("Subject: held"));
        assert_eq!(held, None, "it is too soon");
    }
    let in_time = first.iter().find(|one| one.contains("Subject: in time"));
    let received = in_time.unwrap().split("\r\nFrom:").next().unwrap();
    assert!(received.contains("PRIORITY 9;"), "{received}");
    let notice = first.iter().find(|one| one.contains("multipart/report"));
    let notice = notice.unwrap();
    for field in ["Status: 5.3.3\r\n", "Deliver-By-Date: ", "x@far.test"] {
        assert!(notice.contains(field), "{field} in {notice}");
    }

    let all = read(3);
    assert!(now() >= begun + HELD_SECONDS, "it came too soon");
    assert!(all.iter().any(|one| one.contains("Subject: held")));
    system.await_empty_queue();
}

#[test]
fn the_command_line_holds_a_message_too() {
    let system = System::shared();
    let domain = crate::harness::unique("hold") + ".test";
    system.add_domain(&domain);
    let bob = format!("bob@{domain}");
    system.add_users(&[&bob]);
    let arguments = [
        "send",
        "--to",
        &bob,
        "--from",
        &bob,
        "--body",
        "Later.",
        "--priority",
        "-3",
    ];
    let timing = ["--hold-until", "2 days", "--deliver-by", "3 days"];
    let sent = system.json(&[&arguments[..], &timing[..]].concat());
    let shown = system.json(&["queue", "show", &sent["message"].to_string()]);
    let waiting = &shown["waiting"];
    assert!(waiting["held_until"].is_string(), "{shown}");
    assert_eq!(waiting["deliver_by"]["or_return"], true, "{shown}");
    assert_eq!(waiting["priority"], -3, "{shown}");
    let hopeless = ["--hold-until", "2 days", "--deliver-by", "1 h"];
    let refused = system.command(&[&arguments[..], &hopeless[..]].concat(), "");
    assert_eq!(refused.status.code(), Some(2));
}
