//! The next server is tried after any temporary failure of the one before, at any stage (RFC 5321 §5.1). A
//! permanent reply is final.

use std::net::SocketAddr;

use api::queue::v1::{Completion, Outcome};
use delivery::Config;
use test_kit::FakeDns;

use crate::scripted::{Script, Scripted};
use crate::system::{POLICY, System, message};

const EXTENSIONS: [&[&str]; 3] = [&[], &["PIPELINING"], &["PIPELINING", "CHUNKING"]];

/// Temporary failures of the first server.
const NOT_NOW: [&str; 20] = [
    "CONNECT 421 4.3.2 busy",
    "CONNECT 554 5.7.1 not you",
    "CONNECT close",
    "CONNECT what?",
    "EHLO 421 4.3.2 busy",
    "EHLO close",
    "MAIL 451 4.3.0 busy",
    "MAIL 421 4.3.2 busy",
    "MAIL close",
    "MAIL what?",
    "RCPT 450 4.2.0 greylisted",
    "RCPT 452 4.5.3 too many",
    "RCPT 421 4.3.2 busy",
    "RCPT close",
    "DATA 451 4.3.0 busy",
    "DATA 421 4.3.2 busy",
    "DATA close",
    "END 451 4.3.0 busy",
    "END 421 4.3.2 busy",
    "END close",
];

/// Permanent failures of the first server.
const NEVER: [(&str, &str); 4] = [
    ("MAIL 550 5.7.1 no", "5.7.1"),
    ("RCPT 550 5.1.1 no", "5.1.1"),
    ("DATA 554 5.6.0 no", "5.6.0"),
    ("END 552 5.3.4 no", "5.3.4"),
];

/// Two servers at one port of two addresses.
async fn two(first: Script, second: Script) -> [Scripted; 2] {
    let first = Scripted::start(first).await;
    let address = SocketAddr::from(([127, 0, 0, 2], first.address.port()));
    let second = Scripted::start_at(address, second).await;
    [first, second]
}

/// How the destination is reached.
#[derive(Debug, Clone, Copy)]
enum Way {
    Exchanges,
    Addresses,
    Gateway,
}

async fn system(way: Way, servers: &[Scripted; 2]) -> System {
    let port = servers[0].address.port();
    let config = Config {
        smtp_port: port,
        ..Config::default()
    };
    let (policy, zone) = match way {
        Way::Exchanges => (
            POLICY.to_owned(),
            "other.test MX 10 mx1.other.test\nother.test MX 20 mx2.other.test\n\
             mx1.other.test A 127.0.0.1\nmx2.other.test A 127.0.0.2",
        ),
        Way::Addresses => (
            POLICY.to_owned(),
            "other.test A 127.0.0.1\nother.test A 127.0.0.2",
        ),
        Way::Gateway => (
            format!(
                "[delivery]\nremote = {{ gateway = \"isp\" }}\n[[gateway]]\nname = \"isp\"\n\
                 hosts = [\"127.0.0.1:{port}\", \"127.0.0.2:{port}\"]"
            ),
            "",
        ),
    };
    System::start(&policy, Some(FakeDns::start(zone).await), config).await
}

async fn outcome_of(system: &System, to: &[&str]) -> Vec<Completion> {
    system.queue.give(vec![message(1, to)]).await;
    let mut completions = Vec::new();
    for id in (1..).take(to.len()) {
        completions.push(system.queue.completion(id).await);
    }
    completions
}

#[tokio::test]
async fn the_next_server_takes_what_the_first_does_not_take_now() {
    for way in [Way::Exchanges, Way::Addresses, Way::Gateway] {
        for extensions in EXTENSIONS {
            for script in NOT_NOW {
                let first = Script::new(script, extensions);
                let servers = two(first, Script::new("", extensions)).await;
                let system = system(way, &servers).await;
                let completions = outcome_of(&system, &["x@other.test"]).await;
                let completion = &completions[0];
                let case = format!("{way:?}, {extensions:?}, {script}: {completion:?}");
                assert_eq!(completion.outcome(), Outcome::Relayed, "{case}");
                assert!(completion.server.ends_with("[127.0.0.2]"), "{case}");
                assert_eq!(servers[1].taken(), [["x"]], "{case}");
                assert_eq!(system.queue.state().completions.len(), 1, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn what_the_first_server_never_takes_no_other_is_asked_for() {
    for extensions in EXTENSIONS {
        for (script, status) in NEVER {
            let first = Script::new(script, extensions);
            let servers = two(first, Script::new("", extensions)).await;
            let system = system(Way::Exchanges, &servers).await;
            let completions = outcome_of(&system, &["x@other.test"]).await;
            let completion = &completions[0];
            assert_eq!(completion.outcome(), Outcome::Bounced, "{completion:?}");
            assert!(completion.reason.starts_with(status), "{completion:?}");
            assert_eq!(servers[1].connections(), 0, "{script}");
        }
    }
}

#[tokio::test]
async fn each_recipient_goes_as_far_as_it_must() {
    for extensions in EXTENSIONS {
        let script =
            "RCPT:later 450 4.2.0 greylisted\nRCPT:full 452 4.2.2 full\nRCPT:no 550 5.1.1 no";
        let first = Script::new(script, extensions);
        let second = Script::new("RCPT:full 452 4.2.2 full here too", extensions);
        let servers = two(first, second).await;
        let system = system(Way::Exchanges, &servers).await;
        let to = [
            "now@other.test",
            "later@other.test",
            "no@other.test",
            "full@other.test",
        ];
        let completions = outcome_of(&system, &to).await;
        let outcomes: Vec<_> = completions.iter().map(Completion::outcome).collect();
        let expected = [
            Outcome::Relayed,
            Outcome::Relayed,
            Outcome::Bounced,
            Outcome::Retry,
        ];
        assert_eq!(outcomes, expected, "{completions:?}");
        assert_eq!(servers[0].taken(), [["now"]]);
        assert_eq!(servers[1].taken(), [["later"]]);
        let full = &completions[3];
        // 452 for one of several recipients: it is tried again alone (RFC 5321 §4.5.3.1.10).
        assert!(full.reason.starts_with("4.2.2 mx"), "{full:?}");
        for server in ["mx1.other.test", "mx2.other.test"] {
            assert!(full.reason.contains(server), "{full:?}");
        }
    }
}

#[tokio::test]
async fn what_no_server_takes_is_tried_later_and_the_real_cause_is_told() {
    // replies of the first and the second server → cause, other failure
    for (first, second, cause, also) in [
        (
            "MAIL 451 4.3.0 busy",
            "CONNECT close",
            "4.3.0 mx1.other.test [127.0.0.1] refused the sender: 451 4.3.0 busy",
            "mx2.other.test [127.0.0.2]",
        ),
        (
            "CONNECT 421 busy",
            "DATA 451 4.3.0 no room",
            "4.3.0 mx2.other.test [127.0.0.2] refused the message: 451 4.3.0 no room",
            "mx1.other.test [127.0.0.1] refused the connection: 421 busy",
        ),
        (
            "END close",
            "MAIL 451 4.3.0 busy",
            "4.4.2 Lost the connection with mx1.other.test [127.0.0.1] after the content",
            "mx2.other.test [127.0.0.2] refused the sender",
        ),
    ] {
        let servers = two(Script::new(first, &[]), Script::new(second, &[])).await;
        let system = system(Way::Exchanges, &servers).await;
        let completions = outcome_of(&system, &["x@other.test"]).await;
        let completion = &completions[0];
        assert_eq!(completion.outcome(), Outcome::Retry, "{completion:?}");
        assert!(completion.reason.starts_with(cause), "{completion:?}");
        assert!(completion.reason.contains(also), "{completion:?}");
        let server = cause
            .split(" [")
            .next()
            .unwrap()
            .rsplit(' ')
            .next()
            .unwrap();
        assert!(completion.server.starts_with(server), "{completion:?}");
    }
}

#[tokio::test]
async fn the_cause_is_told_though_another_address_refuses_the_connection() {
    let login = "tls = \"none\"\nlogin = { user = \"office\", secret = \"isp\" }";
    let refused = "4.4.0 127.0.0.1 [127.0.0.1] refused the login: 535 5.7.8 no";
    for (hosts, settings, cause) in [
        ("\"127.0.0.1:PORT\", \"127.0.0.9:PORT\"", login, refused),
        ("\"127.0.0.9:PORT\", \"127.0.0.1:PORT\"", login, refused),
        (
            "\"localhost:PORT\"",
            "tls = \"required\"",
            "4.7.5 localhost [127.0.0.1] does not offer TLS",
        ),
    ] {
        let server = Scripted::start(Script::new("AUTH 535 5.7.8 no", &["AUTH PLAIN"])).await;
        let hosts = hosts.replace("PORT", &server.address.port().to_string());
        let policy = format!(
            "[delivery]\nremote = {{ gateway = \"isp\" }}\n\
             [[gateway]]\nname = \"isp\"\nhosts = [{hosts}]\n{settings}"
        );
        let system = System::start(&policy, None, Config::default()).await;
        let completions = outcome_of(&system, &["x@other.test"]).await;
        let completion = &completions[0];
        assert_eq!(completion.outcome(), Outcome::Retry);
        let told = format!("{cause}. Also tried: No connection with ");
        assert!(completion.reason.starts_with(&told), "{completion:?}");
        assert!(
            completion.server.ends_with(" [127.0.0.1]"),
            "{completion:?}"
        );
    }
}

#[tokio::test]
async fn what_one_server_does_not_offer_another_may() {
    let small = Script::new("", &["SIZE 10"]);
    for (second, expected, status) in [
        (Script::new("", &[]), Outcome::Relayed, "taken"),
        (small.clone(), Outcome::Bounced, "5.3.4"),
        (Script::new("CONNECT close", &[]), Outcome::Retry, "4.4.1"),
    ] {
        let servers = two(small.clone(), second).await;
        let system = system(Way::Exchanges, &servers).await;
        let completions = outcome_of(&system, &["x@other.test"]).await;
        let completion = &completions[0];
        assert_eq!(completion.outcome(), expected, "{completion:?}");
        assert!(completion.reason.starts_with(status), "{completion:?}");
        assert!(servers[0].taken().is_empty());
    }
}
