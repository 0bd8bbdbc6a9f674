//! Logins beyond passwords, by programs that support them: swaks, curl, Python's smtplib.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use test_kit::{ClientAuthority, TestIssuer, free_port};

use crate::harness::{Imap, SOON, Setup, System, eventually, have, python, run};

const BOB: &str = "bob@here.test";

struct Kit {
    system: System,
    issuer: TestIssuer,
    starttls: u16,
    implicit: u16,
    folder: tempfile::TempDir,
}

impl Kit {
    /// A system with every mechanism, on two listeners that request client certificates.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The services may run as another user.
        std::fs::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let (issuer, authority) = (TestIssuer::new(), ClientAuthority::new("ours"));
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("jwks.json"), issuer.jwks()).unwrap();
        for (name, addresses) in [("bob", vec![BOB]), ("nobody", vec!["nobody@here.test"])] {
            let certificate = authority.certificate(&addresses);
            std::fs::write(path(&format!("{name}.pem")), certificate.certificate).unwrap();
            std::fs::write(path(&format!("{name}.key")), certificate.key).unwrap();
        }
        let clients = authority.write_to(folder.path());
        let (starttls, implicit) = (free_port(), free_port());
        let listener = |port: u16, tls: &str| {
            format!(
                "[[smtp-server.listener]]\naddress = \"127.0.0.1:{port}\"\nrole = \"submission\"\n\
                 tls = \"{tls}\"\nclass = \"external\"\n\
                 client-certificates = {{ authority = \"{}\" }}\n",
                clients.display()
            )
        };
        let system = System::start_with(&Setup {
            smtp_server: listener(starttls, "starttls") + &listener(implicit, "implicit"),
            mailbox_store: format!(
                "[mailbox-store.oauth]\nissuer = \"https://id.test\"\naudience = \"mail\"\n\
                 keys = \"{}\"\n",
                path("jwks.json").display()
            ),
            ..Setup::default()
        });
        system.add_domain("here.test");
        system.add_users(&[BOB]);
        Self {
            system,
            issuer,
            starttls,
            implicit,
            folder,
        }
    }

    fn token(&self, email: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let exp = now.as_secs() + 600;
        self.issuer.token(
            &json!({"iss": "https://id.test", "aud": "mail", "exp": exp, "email": email, "email_verified": true}),
        )
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Sends by swaks; returns its exit code.
    fn swaks(&self, told: &[&str]) -> Option<i32> {
        let output = Command::new("swaks")
            .args(["--server", "127.0.0.1", "--from", BOB, "--to", BOB])
            .args(["--header", "Subject: swaks"])
            .args(told)
            .output();
        output.unwrap().status.code()
    }

    /// Sends by curl; returns its success.
    fn curl(&self, url: &str, told: &[&str]) -> bool {
        let file = self.file("message");
        std::fs::write(
            Path::new(&file),
            format!("From: {BOB}\r\nSubject: curl\r\n\r\nx\r\n"),
        )
        .unwrap();
        let status = Command::new("curl")
            .args([
                "-sS",
                "-k",
                "--ssl-reqd",
                url,
                "--mail-from",
                BOB,
                "--mail-rcpt",
                BOB,
            ])
            .args(["--upload-file", &file])
            .args(told)
            .status();
        status.unwrap().success()
    }

    fn received(&self) -> usize {
        let mut imap = Imap::inbox(self.system.ports().imap, BOB).unwrap();
        imap.uids().unwrap().len()
    }
}

#[test]
fn every_mechanism_logs_in_over_starttls_and_over_tls() {
    if !have("swaks") || !have("curl") || !have("python3") {
        return;
    }
    let kit = Kit::start();
    let mut sent = 0;
    // The front end asks the directory once both are running.
    let (starttls, implicit) = (kit.starttls.to_string(), kit.implicit.to_string());
    eventually("OAUTHBEARER is offered", SOON, || {
        let told = ["--port", &starttls, "--tls", "--quit-after", "EHLO"];
        let said = run(Command::new("swaks")
            .args(["--server", "127.0.0.1"])
            .args(told));
        said.contains("OAUTHBEARER").then_some(())
    });

    for mechanism in ["PLAIN", "LOGIN"] {
        for (port, tls) in [(&starttls, "--tls"), (&implicit, "--tls-on-connect")] {
            let told = |password| {
                kit.swaks(&[
                    "--port",
                    port,
                    tls,
                    "--auth",
                    mechanism,
                    "--auth-user",
                    BOB,
                    "--auth-password",
                    password,
                ])
            };
            assert_eq!(told("secret"), Some(0), "{mechanism} {tls}");
            assert_eq!(told("wrong"), Some(28), "{mechanism} {tls}");
            sent += 1;
        }
    }

    let (bob, nobody) = (kit.token(BOB), kit.token("nobody@here.test"));
    let user = format!("{BOB}:");
    for url in [
        format!("smtp://127.0.0.1:{starttls}"),
        format!("smtps://127.0.0.1:{implicit}"),
    ] {
        for mechanism in ["AUTH=OAUTHBEARER", "AUTH=XOAUTH2"] {
            let told = |token| {
                let options = [
                    "--user",
                    &user,
                    "--login-options",
                    mechanism,
                    "--oauth2-bearer",
                    token,
                ];
                kit.curl(&url, &options)
            };
            assert!(told(&bob), "{mechanism} {url}");
            assert!(!told(&nobody), "{mechanism} {url}");
            sent += 1;
        }
        let shown = |name: &str| {
            let (certificate, key) = (
                kit.file(&format!("{name}.pem")),
                kit.file(&format!("{name}.key")),
            );
            let options = [
                "--user",
                &user,
                "--login-options",
                "AUTH=EXTERNAL",
                "--cert",
                &certificate,
                "--key",
                &key,
            ];
            kit.curl(&url, &options)
        };
        assert!(shown("bob"), "EXTERNAL {url}");
        assert!(!shown("nobody"), "EXTERNAL {url}");
        sent += 1;
    }

    let (certificate, key) = (kit.file("bob.pem"), kit.file("bob.key"));
    python(
        "logins.py",
        &[&starttls, &implicit, BOB, &bob, &certificate, &key],
    );
    sent += 10;
    kit.system.await_empty_queue();
    assert_eq!(kit.received(), sent);
}
