//! Rates and greylisting.

use crate::system::{POLICY, Port, System};

async fn start(untrusted: &str) -> System {
    let policy = POLICY.replace("max-size", &format!("{untrusted}\nmax-size"));
    System::start_with(&policy, |_| {}).await
}

#[tokio::test]
async fn messages_beyond_the_rate_are_to_come_later_and_others_are_not_held_to_it() {
    let system =
        start("rates = [{ count = \"messages\", per = \"sender\", limit = 2, every = \"1 day\" }]")
            .await;
    let mut client = system.connect(Port::External).await;
    for _ in 0..2 {
        client.envelope("a@client.test", "bob@example.test").await;
        client.data("", 250).await;
    }
    let reply = client.say("MAIL FROM:<A@client.test>", 450).await;
    assert!(reply.contains("4.7.1"), "{reply}");
    client.envelope("b@client.test", "bob@example.test").await;
    client.say("RSET", 250).await;
    client.envelope("", "bob@example.test").await;
    let mut trusted = system.connect(Port::Internal).await;
    trusted.envelope("a@client.test", "bob@example.test").await;
}

#[tokio::test]
async fn recipients_and_connections_have_rates_too() {
    let system = start(
        "rates = [{ count = \"recipients\", per = \"address\", limit = 3, every = \"1 day\" }]",
    )
    .await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<nobody@example.test>", 550).await;
    for n in 0..3 {
        client
            .say(&format!("RCPT TO:<u{n}@silent.test>"), 250)
            .await;
    }
    client.say("RCPT TO:<u4@silent.test>", 450).await;
    client.data("", 250).await;
    assert_eq!(system.queue.only().recipients.len(), 3);

    let rate =
        "rates = [{ count = \"connections\", per = \"network\", limit = 5, every = \"1 day\" }]";
    let system = start(rate).await;
    // Clients that waited for the policy were counted as well.
    let mut refused = loop {
        let mut client = system.connect_raw(Port::External).await;
        if client.reply().await.0 == 421 {
            break client;
        }
    };
    refused.expect_end().await;
    system.connect(Port::Internal).await;
}

#[tokio::test]
async fn what_other_front_ends_let_in_counts() {
    let system = start(
        "rates = [{ count = \"messages\", per = \"address\", limit = 100, every = \"1 day\" }]",
    )
    .await;
    *system.throttle.full_for_us.lock().unwrap() = 24 * 3600 * 1_000_000;
    let mut reported = system.throttle.reported.subscribe();
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    reported.wait_for(|events| *events >= 1).await.unwrap();
    client.say("RSET", 250).await;
    // The answer to the report is in transit: until then a few are accepted.
    let refused = async {
        loop {
            client.send("MAIL FROM:<a@client.test>\r\n").await;
            match client.reply().await.0 {
                250 => client.say("RSET", 250).await,
                code => return code,
            };
        }
    };
    let code = test_kit::in_time("the share is used up", refused).await;
    assert_eq!(code, 450);
}

#[tokio::test]
async fn of_a_subject_that_is_new_here_the_queue_is_asked_first() {
    let system = start(
        "rates = [{ count = \"messages\", per = \"sender\", limit = 100, every = \"1 day\" }]",
    )
    .await;
    let mut client = system.connect(Port::External).await;
    *system.throttle.full_before_us.lock().unwrap() = 24 * 3600 * 1_000_000;
    client.say("MAIL FROM:<a@client.test>", 450).await;
    *system.throttle.full_before_us.lock().unwrap() = 0;
    client.say("MAIL FROM:<b@client.test>", 250).await;
}

#[tokio::test]
async fn who_was_never_here_comes_twice_and_is_known_then() {
    let system = start("greylisting = { delay = \"5 min\" }").await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    // Mail to an unknown recipient is not greylisted.
    client.say("RCPT TO:<nobody@example.test>", 550).await;
    client.say("RCPT TO:<bob@example.test>", 450).await;
    client.say("RCPT TO:<BOB@example.test>", 250).await;
    client.say("RCPT TO:<eve@example.test>", 450).await;
    client.data("", 250).await;
    client.envelope("a@client.test", "bob@example.test").await;
    let mut trusted = system.connect(Port::Internal).await;
    trusted.envelope("c@client.test", "eve@example.test").await;
}
