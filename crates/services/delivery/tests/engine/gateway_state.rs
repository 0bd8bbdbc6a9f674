//! The reports about gateways to the queue: whether they were usable.

use api::queue::v1::{GatewayAttempt, Outcome};
use delivery::Config;
use test_kit::{FakeDns, free_port};

use crate::scripted::{Script, Scripted};
use crate::system::{System, message};

async fn system(hosts: &str, more: &str) -> System {
    let policy = format!(
        "[delivery]\nremote = {{ gateway = \"isp\" }}\nretry-schedule = [\"1 min\"]\n\
         [[gateway]]\nname = \"isp\"\nhosts = {hosts}\n{more}\n"
    );
    let dns = FakeDns::start("other.test SERVFAIL").await;
    System::start(&policy, Some(dns), Config::default()).await
}

/// Reports of an attempt, with its completion or earlier.
async fn reported(system: &System, addresses: &[&str]) -> Vec<GatewayAttempt> {
    system.queue.give(vec![message(1, addresses)]).await;
    for id in (1..).take(addresses.len()) {
        system.queue.completion(id).await;
    }
    system.queue.state().gateways.clone()
}

#[tokio::test]
async fn a_gateway_that_cannot_be_used_fails_and_one_that_answers_works() {
    let login = "tls = \"none\"\nlogin = { user = \"office\", secret = \"isp\" }";
    // the host's reply, more of the policy, the gateway's reported state
    let table = [
        ("", "", ""),
        ("MAIL 451 4.3.0 busy", "", ""),
        ("MAIL 550 5.7.1 not from you", "", ""),
        ("RCPT 450 4.2.0 greylisted", "", ""),
        ("RCPT 550 5.1.1 nobody", "", ""),
        ("DATA 451 4.3.0 busy", "", ""),
        ("END 554 5.6.0 spam", "", ""),
        ("", login, ""),
        ("CONNECT close", "", "No connection"),
        ("CONNECT 421 4.3.2 busy", "", "421 4.3.2 busy"),
        ("CONNECT 554 5.7.1 not you", "", "554 5.7.1 not you"),
        ("EHLO close", "", "No connection"),
        ("EHLO 421 4.3.2 busy", "", "421 4.3.2 busy"),
        ("AUTH 535 5.7.8 no", login, "535 5.7.8 no"),
        ("", "tls = \"required\"", "does not offer TLS"),
        ("MAIL 421 4.3.2 busy", "", "421 4.3.2 busy"),
        ("MAIL close", "", "Lost the connection"),
        ("MAIL what?", "", "broke"),
        ("RCPT 421 4.3.2 busy", "", "421 4.3.2 busy"),
        ("RCPT close", "", "Lost the connection"),
        ("DATA close", "", "Lost the connection"),
        ("END 421 4.3.2 busy", "", "421 4.3.2 busy"),
        ("END close", "", "Lost the connection"),
    ];
    for (script, more, expected) in table {
        let extensions = ["AUTH PLAIN", "PIPELINING"];
        let server = Scripted::start(Script::new(script, &extensions)).await;
        let hosts = format!("[\"{}\"]", server.address);
        let system = system(&hosts, more).await;
        let reported = reported(&system, &["x@one.test", "y@two.test"]).await;
        let last = reported.last().unwrap();
        let failure = &last.failure;
        assert_eq!(last.gateway, "isp");
        assert_eq!(
            failure.is_empty(),
            expected.is_empty(),
            "{script}: {last:?}"
        );
        assert!(failure.contains(expected), "{script}: {last:?}");
    }
}

#[tokio::test]
async fn a_gateway_without_a_host_that_is_found_or_without_its_password_fails() {
    let missing = "login = { user = \"office\", secret = \"missing\" }";
    let refused = format!("[\"127.0.0.1:{}\"]", free_port());
    for (hosts, more, expected) in [
        (&*refused, "", "refused"),
        ("[\"smtp.other.test\"]", "", "smtp.other.test"),
        (
            "[\"127.0.0.1\"]",
            missing,
            "no password for the gateway isp",
        ),
    ] {
        let system = system(hosts, more).await;
        let reported = reported(&system, &["x@one.test"]).await;
        assert!(
            reported.iter().any(|one| one.failure.contains(expected)),
            "{expected}: {reported:?}"
        );
    }
}

#[tokio::test]
async fn a_gateway_works_as_long_as_one_of_its_hosts_does() {
    for (first, second, works) in [
        ("CONNECT close", "", true),
        ("CONNECT close", "RCPT 450 4.2.0 greylisted", true),
        ("RCPT 450 4.2.0 greylisted", "CONNECT close", true),
        ("RCPT 450 4.2.0 greylisted", "MAIL close", true),
        ("MAIL close", "MAIL 421 4.3.2 busy", false),
        ("MAIL 421 4.3.2 busy", "CONNECT close", false),
    ] {
        let mut hosts = Vec::new();
        for script in [first, second] {
            let server = Scripted::start(Script::new(script, &[])).await;
            hosts.push(format!("\"{}\"", server.address));
        }
        let system = system(&format!("[{}]", hosts.join(", ")), "").await;
        let reported = reported(&system, &["x@one.test"]).await;
        let last = reported.last().unwrap();
        assert_eq!(
            last.failure.is_empty(),
            works,
            "{first}, {second}: {last:?}"
        );
    }
}

#[tokio::test]
async fn what_was_not_taken_by_the_queue_is_reported_again() {
    let server = Scripted::start(Script::new("AUTH 535 5.7.8 no", &["AUTH PLAIN"])).await;
    let hosts = format!("[\"{}\"]", server.address);
    let login = "tls = \"none\"\nlogin = { user = \"office\", secret = \"isp\" }";
    let system = system(&hosts, login).await;
    system.queue.state().break_completions = 1;
    let reported = reported(&system, &["x@one.test"]).await;
    assert!(reported[0].failure.contains("535"), "{reported:?}");
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Retry);
}
