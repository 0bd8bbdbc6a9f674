//! `sendmail`, as called by cron, scripts and mail programs.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::harness::{Imap, SOON, System, eventually, programs, unique};

/// Runs the program under the name `sendmail`, which finds its system by the environment only.
fn sendmail(system: &System, arguments: &[&str], input: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("sendmail");
    std::os::unix::fs::symlink(programs().join("postern"), &link).unwrap();
    let mut child = Command::new(link)
        .args(arguments)
        .env("POSTERN_DATA", system.data())
        .env("LOGNAME", "cron")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input may have ended.
    let _gone = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}

fn inbox(system: &System, user: &str, messages: usize) -> Imap {
    let mut imap = Imap::inbox(system.ports().imap, user).unwrap();
    eventually("the messages", SOON, || {
        (imap.uids().unwrap().len() == messages).then_some(())
    });
    imap
}

#[test]
fn a_message_with_its_recipients_in_its_header_is_completed_and_bcc_is_taken_out() {
    let system = System::shared();
    let domain = unique("sendmail") + ".test";
    let [bob, eve, dan] = ["bob", "eve", "dan"].map(|name| format!("{name}@{domain}"));
    system.add_domain(&domain);
    system.add_users(&[&bob, &eve, &dan]);
    let text =
        format!("To: {bob}\nBcc: {eve}\nSubject: from a program\n\nfirst\n.\nbehind the dot\n");
    let sent = sendmail(
        system,
        &["-t", "-oi", "-f", &bob, "-F", "The Program", &dan],
        &text,
    );
    assert_eq!(sent.status.code(), Some(0), "{}", said(&sent));
    assert_eq!(said(&sent), "", "it says nothing when all is well");
    for user in [&bob, &eve, &dan] {
        let message = inbox(system, user, 1).message(1).unwrap();
        let message = String::from_utf8(message).unwrap();
        assert!(message.contains("behind the dot"), "{message}");
        assert!(!message.contains("Bcc"), "{message}");
        assert!(
            message.contains(&format!("Return-Path: <{bob}>")),
            "{message}"
        );
        for field in ["Date: ", "Message-ID: <", "From: "] {
            assert!(
                message.contains(&format!("\r\n{field}")),
                "{field} in {message}"
            );
        }
        assert!(message.contains("The Program"), "{message}");
    }

    // Without -i a dot ends the message.
    let sent = sendmail(
        system,
        &["-f", &bob, &bob],
        "Subject: x\n\nfirst\n.\nbehind the dot\n",
    );
    assert_eq!(sent.status.code(), Some(0), "{}", said(&sent));
    let message = inbox(system, &bob, 2).message(2).unwrap();
    assert!(message.ends_with(b"first\r\n"), "{message:?}");
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let system = System::shared();
    let domain = unique("exits") + ".test";
    let bob = format!("bob@{domain}");
    system.add_domain(&domain);
    system.add_users(&[&bob]);
    let nobody = format!("nobody@{domain}");
    let text = "Subject: x\n\ntext\n";
    for (arguments, code) in [
        (vec!["-f", bob.as_str(), nobody.as_str(), bob.as_str()], 67),
        (vec!["-Z"], 64),
        (vec!["-f", bob.as_str()], 64),
        (vec!["-f", bob.as_str(), "a@b@c"], 65),
    ] {
        let ended = sendmail(system, &arguments, text);
        assert_eq!(
            ended.status.code(),
            Some(code),
            "{arguments:?}: {}",
            said(&ended)
        );
    }
    let ended = sendmail(system, &["-f", &bob, &nobody, &bob], text);
    assert!(said(&ended).contains("no-such-user"), "{}", said(&ended));
    assert!(
        said(&ended).contains("nothing was sent"),
        "{}",
        said(&ended)
    );
    // `postern send` reports the same.
    let sent = system.command(
        &["send", "--from", &bob, "--to", &nobody, "--body", "x"],
        "",
    );
    assert_eq!(sent.status.code(), Some(1), "{}", said(&sent));
    assert!(said(&sent).contains("no-such-user"));
    // None of the earlier messages was delivered: this one is the first.
    assert_eq!(
        sendmail(system, &["-f", &bob, &bob], text).status.code(),
        Some(0)
    );
    inbox(system, &bob, 1);

    let nowhere = tempfile::tempdir().unwrap();
    let mut away = Command::new(programs().join("postern"));
    away.arg("--data")
        .arg(nowhere.path())
        .args(["sendmail", "b@x.test"]);
    let away = away.stdin(Stdio::null()).output().unwrap();
    assert_eq!(away.status.code(), Some(75), "{}", said(&away));
}

#[test]
fn smtp_is_spoken_on_standard_input_and_output() {
    let system = System::shared();
    let domain = unique("pipe") + ".test";
    let bob = format!("bob@{domain}");
    system.add_domain(&domain);
    system.add_users(&[&bob]);
    let said_at_once = format!(
        "EHLO program.test\r\nMAIL FROM:<{bob}>\r\nRCPT TO:<{bob}>\r\nDATA\r\n\
         Subject: piped\r\n\r\ntext\r\n.\r\nQUIT\r\n"
    );
    let piped = sendmail(system, &["-bs"], &said_at_once);
    assert_eq!(piped.status.code(), Some(0), "{}", said(&piped));
    let answers = said(&piped);
    assert!(answers.starts_with("220 "), "{answers}");
    assert!(
        answers.contains("\r\n354 ") && answers.contains("\r\n221 "),
        "{answers}"
    );
    let message = inbox(system, &bob, 1).message(1).unwrap();
    assert!(String::from_utf8_lossy(&message).contains("Subject: piped"));
}

#[test]
fn the_queue_is_listed_like_mailq() {
    let listed = sendmail(System::shared(), &["-bp"], "");
    assert_eq!(listed.status.code(), Some(0), "{}", said(&listed));
}
