//! Proxies, with a real client that can act as one.

use std::process::Command;

use test_kit::free_port;

use crate::harness::{Imap, SOON, Setup, System, eventually, have};

struct Proxied {
    system: System,
    header: u16,
    xclient: u16,
}

impl Proxied {
    fn start() -> Self {
        let (header, xclient) = (free_port(), free_port());
        let listener = |port: u16, more: &str| {
            format!(
                "[[smtp-server.listener]]\naddress = \"127.0.0.1:{port}\"\nclass = \"external\"\n\
                 proxies = [\"127.0.0.0/8\"]\n{more}\n"
            )
        };
        let system = System::start_with(&Setup {
            smtp_server: listener(header, "proxy-protocol = true") + &listener(xclient, ""),
            ..Setup::default()
        });
        system.apply_policy(
            "[[trust]]\nname = \"branch\"\naction = \"trust\"\nwhere = { network = \"203.0.113.0/25\" }\n\n\
             [[domain]]\nname = \"here.test\"\ndeliver = \"mailboxes\"\n",
        );
        system.add_users(&["bob@here.test"]);
        Self {
            system,
            header,
            xclient,
        }
    }

    /// Whether a recipient of another domain is accepted, and the output.
    fn relays(&self, port: u16, told: &[&str]) -> (bool, String) {
        let told = [told, &["--quit-after", "RCPT"]].concat();
        self.send(port, "b@elsewhere.test", &told)
    }

    /// Sends by swaks; returns whether the message was accepted, and the output.
    fn send(&self, port: u16, to: &str, told: &[&str]) -> (bool, String) {
        let output = Command::new("swaks")
            .args(["--server", "127.0.0.1", "--port", &port.to_string()])
            .args([
                "--from",
                "a@client.test",
                "--to",
                to,
                "--helo",
                "client.test",
            ])
            .args(["--header", &format!("X-Told: {}", told.join(" "))])
            .args(told)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said)
    }
}

/// In swaks' form.
fn family(version: &str, address: &str) -> &'static str {
    match (version, address.contains(':')) {
        ("1", false) => "TCP4",
        ("1", true) => "TCP6",
        (_, false) => "AF_INET",
        (_, true) => "AF_INET6",
    }
}

#[test]
fn swaks_tells_the_client_by_proxy_header_and_by_xclient() {
    if !have("swaks") {
        return;
    }
    let proxied = Proxied::start();
    let mut delivered = 0;
    for (branch, stranger) in [
        ("203.0.113.9", "203.0.113.200"),
        ("203.0.113.10", "2001:db8::9"),
    ] {
        let own = |address: &str| match address.contains(':') {
            true => "2001:db8::1",
            false => "192.0.2.1",
        };
        for version in ["1", "2"] {
            for (client, trusted) in [(branch, true), (stranger, false)] {
                let told = [
                    "--proxy-version",
                    version,
                    "--proxy-family",
                    family(version, client),
                    "--proxy-source",
                    client,
                    "--proxy-source-port",
                    "4321",
                    "--proxy-dest",
                    own(client),
                    "--proxy-dest-port",
                    "25",
                ];
                let (taken, said) = proxied.relays(proxied.header, &told);
                assert_eq!(taken, trusted, "{said}");
                assert!(trusted || said.contains("Relaying denied"), "{said}");
            }
        }
        for (client, trusted) in [(branch, true), (stranger, false)] {
            let address = match client.contains(':') {
                true => format!("IPV6:{client}"),
                false => client.to_owned(),
            };
            let told = ["--xclient-addr", address.as_str()];
            let (taken, said) = proxied.relays(proxied.xclient, &told);
            assert_eq!(taken, trusted, "{said}");
            assert!(trusted || said.contains("Relaying denied"), "{said}");
            let (taken, said) = proxied.send(proxied.xclient, "bob@here.test", &told);
            assert!(taken, "{said}");
            delivered += 1;
        }
    }
    // The trace field names the client, not the proxy.
    let mut imap = Imap::inbox(proxied.system.ports().imap, "bob@here.test").unwrap();
    let uids = eventually("the messages", SOON, || {
        let uids = imap.uids().unwrap();
        (uids.len() == delivered).then_some(uids)
    });
    for uid in uids {
        let message = String::from_utf8_lossy(&imap.message(uid).unwrap()).into_owned();
        let client = message.split("X-Told: --xclient-addr ").nth(1).unwrap();
        let client = client.lines().next().unwrap().trim_start_matches("IPV6:");
        let (trace, _) = message.split_once("X-Told").unwrap();
        assert!(
            trace.contains(client) && !trace.contains("127.0.0.1"),
            "{message}"
        );
    }
}

#[test]
fn a_proxy_that_says_nothing_is_not_served() {
    if !have("swaks") {
        return;
    }
    let proxied = Proxied::start();
    let (taken, said) = proxied.send(proxied.header, "bob@here.test", &[]);
    assert!(!taken, "{said}");
}
