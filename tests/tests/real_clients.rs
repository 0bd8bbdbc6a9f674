//! Programs in common use: swaks, curl, mbsync.

use std::path::Path;
use std::process::Command;

use crate::harness::{SOON, Smtp, System, assert_same_below_trace, eventually, have, run, unique};

fn user_of(system: &System, word: &str) -> String {
    let domain = unique(word) + ".test";
    system.add_domain(&domain);
    let user = format!("bob@{domain}");
    system.add_users(&[&user]);
    user
}

/// Sends a message from a user to the same one by swaks; returns its exit code and output.
fn swaks(port: u16, user: &str, password: &str, options: &[&str]) -> (i32, String) {
    let port = port.to_string();
    let session = [
        "--server",
        "127.0.0.1",
        "--port",
        &port,
        "--from",
        user,
        "--to",
        user,
    ];
    let login = ["--auth-user", user, "--auth-password", password];
    let text = ["--header", "Subject: swaks", "--body", "from swaks"];
    let output = Command::new("swaks")
        .args(session)
        .args(login)
        .args(text)
        .args(options)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// swaks' exit codes.
const LOGIN_FAILED: i32 = 28;
const TLS_FAILED: i32 = 29;

#[test]
fn swaks_submits_over_starttls_and_over_tls() {
    if !have("swaks") {
        return;
    }
    let system = System::shared();
    let user = user_of(system, "swaks");
    let ports = system.ports();
    let certificate = system.data().join("tls/certificate.pem");
    let certificate = certificate.to_str().unwrap();
    let mut sent = 0;
    for (port, tls) in [
        (ports.submission, &["--tls"][..]),
        (ports.submission, &["--tls", "--tls-protocol", "tlsv1_2"]),
        (ports.submission, &["--tls", "--tls-protocol", "tlsv1_3"]),
        (ports.submissions, &["--tls-on-connect"]),
        (
            ports.submissions,
            &[
                "--tls-on-connect",
                "--tls-verify",
                "--tls-ca-path",
                certificate,
            ],
        ),
        // Port 25 also accepts logins, under TLS.
        (ports.smtp, &["--tls"]),
    ] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let options = [tls, &["--auth", mechanism]].concat();
            let (code, said) = swaks(port, &user, "secret", &options);
            assert_eq!(code, 0, "{options:?}\n{said}");
            sent += 1;
        }
    }
    let mut imap = crate::harness::Imap::inbox(ports.imap, &user).unwrap();
    eventually("all that was sent", SOON, || {
        imap.command("NOOP").unwrap();
        (imap.uids().unwrap().len() == sent).then_some(())
    });
}

#[test]
fn swaks_is_refused_without_tls_with_an_old_one_and_with_a_wrong_password() {
    if !have("swaks") {
        return;
    }
    let system = System::shared();
    let user = user_of(system, "swaks");
    let ports = system.ports();
    for (port, password, options, expected) in [
        (
            ports.submission,
            "wrong",
            &["--tls", "--auth", "PLAIN"][..],
            LOGIN_FAILED,
        ),
        (
            ports.submission,
            "wrong",
            &["--tls", "--auth", "LOGIN"],
            LOGIN_FAILED,
        ),
        (
            ports.submissions,
            "wrong",
            &["--tls-on-connect", "--auth", "PLAIN"],
            LOGIN_FAILED,
        ),
        // Neither offered nor accepted without TLS.
        (
            ports.submission,
            "secret",
            &["--auth", "PLAIN"],
            LOGIN_FAILED,
        ),
        (ports.smtp, "secret", &["--auth", "LOGIN"], LOGIN_FAILED),
        (
            ports.submission,
            "secret",
            &["--tls", "--tls-protocol", "tlsv1_1"],
            TLS_FAILED,
        ),
        (
            ports.submissions,
            "secret",
            &["--tls-on-connect", "--tls-protocol", "tlsv1_1"],
            TLS_FAILED,
        ),
    ] {
        let (code, said) = swaks(port, &user, password, options);
        assert_eq!(code, expected, "{options:?}\n{said}");
        assert!(!said.contains("235 "), "{said}");
    }
    let mut smtp = Smtp::hello(([127, 0, 0, 1], ports.submission).into()).unwrap();
    let reply = smtp.command("AUTH PLAIN AGJvYgBzZWNyZXQ=").unwrap();
    assert!(reply.code >= 500, "{}", reply.text);
}

#[test]
fn curl_sends_and_reads() {
    if !have("curl") {
        return;
    }
    let system = System::shared();
    let user = user_of(system, "curl");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message");
    let message = b"From: <curl@elsewhere.test>\r\nSubject: curl\r\n\r\n.sent by curl\r\n";
    std::fs::write(&file, message).unwrap();
    run(Command::new("curl")
        .args([
            "-sS",
            &format!("smtp://127.0.0.1:{}/client.test", system.ports().smtp),
        ])
        .args([
            "--mail-from",
            "curl@elsewhere.test",
            "--mail-rcpt",
            &user,
            "--upload-file",
        ])
        .arg(&file));
    let read = |url: String| {
        let output = Command::new("curl")
            .args(["-sS", "-k", &url, "--user", &format!("{user}:secret")])
            .output();
        output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| output.stdout)
    };
    let by_imap = eventually("the message by IMAP", SOON, || {
        read(format!(
            "imaps://127.0.0.1:{}/INBOX;MAILINDEX=1",
            system.ports().imaps
        ))
    });
    assert_same_below_trace(&by_imap, message);
    let by_pop3 = read(format!("pop3s://127.0.0.1:{}/1", system.ports().pop3s)).unwrap();
    assert_eq!(
        by_pop3.escape_ascii().to_string(),
        by_imap.escape_ascii().to_string()
    );
}

#[test]
fn mbsync_keeps_a_maildir_in_step_both_ways() {
    if !have("mbsync") {
        return;
    }
    let system = System::shared();
    let user = user_of(system, "mbsync");
    for subject in ["one", "two", "three"] {
        system.postern(
            &[
                "send",
                "--from",
                &user,
                "--to",
                &user,
                "--subject",
                subject,
                "--body",
                "text",
            ],
            "",
        );
    }
    system.await_empty_queue();

    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("mbsyncrc");
    let maildir = folder.path().join("mail");
    std::fs::create_dir(&maildir).unwrap();
    std::fs::write(
        &configuration,
        mbsyncrc(system, &user, &maildir, folder.path()),
    )
    .unwrap();
    let sync = || {
        run(Command::new("mbsync")
            .arg("-c")
            .arg(&configuration)
            .arg("-a"))
    };
    sync();
    let new = maildir.join("INBOX/new");
    let files: Vec<_> = std::fs::read_dir(&new)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 3);

    // Read here, flagged there; a file added here appears there.
    let name = files[0]
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .split(":2,")
        .next()
        .unwrap()
        .to_owned();
    std::fs::rename(
        &files[0],
        maildir.join("INBOX/cur").join(format!("{name}:2,S")),
    )
    .unwrap();
    std::fs::write(
        maildir.join("INBOX/cur/local.1:2,S"),
        "Subject: local\n\nmade here\n",
    )
    .unwrap();
    sync();
    let mut imap = crate::harness::Imap::inbox(system.ports().imap, &user).unwrap();
    assert_eq!(imap.uids().unwrap().len(), 4);
    let seen = imap.command("UID SEARCH SEEN").unwrap();
    let seen =
        String::from_utf8_lossy(&seen).split_whitespace().count() - "* SEARCH".split(' ').count();
    assert_eq!(seen, 2);
}

fn mbsyncrc(system: &System, user: &str, maildir: &Path, state: &Path) -> String {
    format!(
        "IMAPAccount postern\nHost localhost\nPort {port}\nUser {user}\nPass secret\nSSLType IMAPS\n\
         CertificateFile {certificate}\n\n\
         IMAPStore far\nAccount postern\n\n\
         MaildirStore near\nPath {maildir}/\nInbox {maildir}/INBOX\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nExpunge None\nSyncState {state}/state\n",
        port = system.ports().imaps,
        certificate = system.data().join("tls/certificate.pem").display(),
        maildir = maildir.display(),
        state = state.display(),
    )
}
