use std::time::Duration;

use crate::client::Client;
use crate::system::{Port, System};

#[tokio::test]
async fn recipients_over_the_limit_wait_for_another_transaction() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    for n in 0..100 {
        client
            .say(&format!("RCPT TO:<user{n}@silent.test>"), 250)
            .await;
    }
    client.say("RCPT TO:<user100@silent.test>", 452).await;
    client.data("", 250).await;
    assert_eq!(system.queue.only().recipients.len(), 100);
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.max_connections_per_address = 2
    })
    .await;
    // A closed connection may be counted for a moment.
    let mut open = Vec::new();
    test_kit::in_time("two clients are greeted", async {
        while open.len() < 2 {
            let mut client = system.connect_raw(Port::Internal).await;
            if client.reply().await.0 == 220 {
                open.push(client);
            }
        }
    })
    .await;
    let mut third = system.connect_raw(Port::Internal).await;
    third.expect(421).await;
    third.expect_end().await;
    open.remove(0).say("QUIT", 221).await;
    let greeted =
        async { while system.connect_raw(Port::Internal).await.reply().await.0 != 220 {} };
    test_kit::in_time("the place of one that has left is free", greeted).await;
}

#[tokio::test]
async fn those_of_no_use_make_room_for_others_and_the_trusted_do_too() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.max_connections = 3;
        config.make_room_after_seconds = 0;
    })
    .await;
    // A letter now and then is no activity, nor is an unfinished handshake.
    let mut slow = system.connect(Port::External).await;
    slow.send("NOO").await;
    let mut within = system.connect(Port::External).await;
    within.envelope("a@client.test", "bob@example.test").await;
    within.say("DATA", 354).await;
    let mut third = system.connect(Port::External).await;
    let mut honest = system.connect(Port::External).await;
    slow.expect(421).await;
    slow.expect_end().await;
    let mut next = system.connect(Port::External).await;
    within.expect(421).await;
    within.expect_end().await;
    for client in [&mut third, &mut honest, &mut next] {
        client.envelope("a@client.test", "bob@example.test").await;
        client.data("", 250).await;
    }

    let mut shaking = Vec::new();
    for _ in 0..4 {
        shaking.push(system.connect_raw(Port::Submissions).await);
    }
    shaking[0].expect_end().await;

    let mut trusted = Vec::new();
    for _ in 0..3 {
        trusted.push(system.connect(Port::Internal).await);
    }
    // Trusted connections are replaced as well, if there are no others.
    let mut late = system.connect(Port::Internal).await;
    trusted[0].expect(421).await;
    trusted[0].expect_end().await;
    late.say("NOOP", 250).await;
}

#[tokio::test]
async fn who_says_nothing_is_sent_away() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.command_timeout_seconds = 1;
        config.data_timeout_seconds = 1;
    })
    .await;
    let mut client = system.connect(Port::Internal).await;
    client.expect(421).await;
    client.expect_end().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.say("DATA", 354).await;
    client.send("A: b\r\n").await;
    client.expect(421).await;
    client.expect_end().await;
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn a_connection_has_its_share_of_messages() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.max_messages_per_connection = 2;
    })
    .await;
    let mut client = system.connect(Port::Internal).await;
    for _ in 0..2 {
        client.envelope("a@client.test", "bob@example.test").await;
        client.data("", 250).await;
    }
    client.say("MAIL FROM:<a@client.test>", 421).await;
    client.expect_end().await;
}

#[tokio::test]
async fn refusals_are_counted() {
    let system = System::start_with(crate::system::POLICY, |config| config.max_refusals = 3).await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    for _ in 0..3 {
        client.say("RCPT TO:<x@elsewhere.test>", 550).await;
    }
    client.expect(421).await;
    client.expect_end().await;
}

/// Sends single octets until the connection is closed.
async fn trickle(client: &mut Client) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            biased;
            reply = client.reply() => {
                assert_eq!(reply.0, 421, "{}", reply.1);
                return;
            }
            _ = tick.tick() => client.send("x").await,
        }
    }
}

#[tokio::test]
async fn who_sends_octets_but_never_a_line_or_a_message_is_sent_away() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.command_timeout_seconds = 1;
        config.data_grace_seconds = 1;
        config.min_data_rate = 1000;
    })
    .await;
    let mut client = system.connect(Port::Internal).await;
    trickle(&mut client).await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.say("DATA", 354).await;
    trickle(&mut client).await;
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn a_session_that_is_of_no_use_ends() {
    let system = System::start_with(crate::system::POLICY, |config| {
        config.max_idle_session_seconds = 1;
        config.max_idle_commands = 5;
    })
    .await;
    let mut client = system.connect(Port::Internal).await;
    client.expect(421).await;
    let mut client = system.connect(Port::Internal).await;
    for _ in 0..4 {
        client.say("NOOP", 250).await;
    }
    client.say("NOOP", 421).await;
    client.expect_end().await;
}

#[tokio::test]
async fn limits_are_announced_by_class() {
    let policy = "[receiving.trusted]\nmax-size = \"3 MiB\"\nmax-recipients = 500\n\
                  [receiving.untrusted]\nmax-size = \"1 MiB\"\n";
    let system = System::start_with(policy, |config| {
        config.max_messages_per_connection = 7;
    })
    .await;
    for (port, size, limits) in [
        (
            Port::Internal,
            "SIZE 3145728",
            "LIMITS MAILMAX=7 RCPTMAX=500",
        ),
        (
            Port::External,
            "SIZE 1048576",
            "LIMITS MAILMAX=7 RCPTMAX=100",
        ),
    ] {
        let mut client = system.connect(port).await;
        let hello = client.say("EHLO client.test", 250).await;
        assert!(hello.contains(&format!("-{size}\n")), "{hello}");
        assert!(hello.contains(&format!("-{limits}\n")), "{hello}");
    }
}
