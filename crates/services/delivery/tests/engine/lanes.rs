//! A destination that accepts a limited number of connections, or none for a moment.

use api::queue::v1::Outcome;
use delivery::Config;
use test_kit::FakeDns;

use crate::scripted::{Script, Scripted, TooMany};
use crate::system::{POLICY, System, message};

/// A policy that sends everything over a gateway at this address, or by the DNS.
fn policy(gateway: bool, server: &Scripted) -> String {
    match gateway {
        false => POLICY.to_owned(),
        true => format!(
            "[delivery]\nremote = {{ gateway = \"isp\" }}\n\
             [[gateway]]\nname = \"isp\"\nhosts = [\"{}\"]",
            server.address
        ),
    }
}

async fn system(gateway: bool, server: &Scripted) -> System {
    let config = Config {
        smtp_port: server.address.port(),
        ..Config::default()
    };
    let dns = FakeDns::start("other.test A 127.0.0.1").await;
    System::start(&policy(gateway, server), Some(dns), config).await
}

/// Sends sixty messages, all of which must succeed at the first attempt.
async fn all_go(system: &System, server: &Scripted, case: &str) {
    let messages = (1..=60).map(|id| message(id, &["x@other.test"])).collect();
    system.queue.give(messages).await;
    for id in 1..=60 {
        let completion = system.queue.completion(id).await;
        assert_eq!(
            completion.outcome(),
            Outcome::Relayed,
            "{case}: {completion:?}"
        );
    }
    assert_eq!(server.taken().len(), 60, "{case}");
}

#[tokio::test]
async fn a_connection_too_many_costs_no_message_its_attempt() {
    for gateway in [false, true] {
        for (at_a_time, too_many_at, too_many) in [
            (3, "", TooMany::Reply),
            (1, "", TooMany::Reply),
            // The server refuses at a later stage.
            (3, "EHLO", TooMany::Reply),
            (3, "MAIL", TooMany::Reply),
            // Without a reply.
            (3, "", TooMany::Close),
            (3, "EHLO", TooMany::Close),
            (3, "MAIL", TooMany::Close),
            (1, "RCPT", TooMany::Close),
            (3, "EHLO", TooMany::Reset),
            (1, "MAIL", TooMany::Reset),
            (3, "RCPT", TooMany::Reset),
        ] {
            let mut limited = Script::new("", &[]);
            limited.at_a_time = Some(at_a_time);
            limited.too_many_at = too_many_at.to_owned();
            limited.too_many = too_many;
            let server = Scripted::start(limited).await;
            let system = system(gateway, &server).await;
            let case = format!("gateway {gateway}, {at_a_time}, {too_many:?} at {too_many_at:?}");
            all_go(&system, &server, &case).await;
            assert!(server.connections() <= 8 + at_a_time, "{case}");
        }
    }
}

#[tokio::test]
async fn a_server_that_takes_one_connection_and_a_few_messages_on_it_takes_all_in_the_end() {
    let mut limited = Script::new("", &[]);
    limited.at_a_time = Some(1);
    limited.messages = Some(5);
    let server = Scripted::start(limited).await;
    let system = system(false, &server).await;
    all_go(&system, &server, "five each").await;
}

#[tokio::test]
async fn a_server_that_is_there_no_more_is_not_asked_for_each_message() {
    let server = Scripted::start(Script::new("CONNECT 421 4.3.2 closed", &[])).await;
    let system = system(false, &server).await;
    let messages = (1..=60).map(|id| message(id, &["x@other.test"])).collect();
    system.queue.give(messages).await;
    for id in 1..=60 {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), Outcome::Retry, "{completion:?}");
    }
    assert_eq!(server.connections(), 1);
}
