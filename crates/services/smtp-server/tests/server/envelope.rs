use api::queue::v1::Notify;

use crate::system::{POLICY, Port, System};

#[tokio::test]
async fn an_untrusted_client_may_not_relay() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    let reply = client.say("RCPT TO:<x@elsewhere.test>", 550).await;
    assert_eq!(reply, "550 5.7.1 Relaying denied\n");
    client.say("DATA", 503).await;
    assert!(system.queue.accepted().is_empty());
}

#[tokio::test]
async fn a_trusted_one_may() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "x@elsewhere.test").await;
    client.data("", 250).await;
    let submission = system.queue.only();
    assert_eq!(submission.recipients[0].address, "x@elsewhere.test");
    assert_eq!(submission.origin.unwrap().trust, "internal-peer");
}

#[tokio::test]
async fn unknown_users_are_refused_where_the_rule_says_so() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<nobody@example.test>", 550).await;
    client.say("RCPT TO:<nobody@silent.test>", 250).await;
    client.say("RCPT TO:<bob@example.test>", 250).await;
}

#[tokio::test]
async fn a_known_user_is_asked_for_once_until_it_goes() {
    let system = System::start().await;
    system.directory.watched().await;
    let mut client = system.connect(Port::External).await;
    // The first answers may come before the stream of changes is open.
    client.say("MAIL FROM:<a@client.test>", 250).await;
    let mut before = usize::MAX;
    test_kit::in_time("a user is remembered", async {
        while system.directory.state().asked != before {
            before = system.directory.state().asked;
            client.say("RCPT TO:<bob@example.test>", 250).await;
        }
    })
    .await;
    client.say("RCPT TO:<BOB@example.test>", 250).await;
    assert_eq!(system.directory.state().asked, before);
    system.directory.remove("bob@example.test");
    // The change arrives on its own stream: the answer changes soon, and stays.
    let mut other = system.connect(Port::External).await;
    other.say("MAIL FROM:<a@client.test>", 250).await;
    let refused = async {
        loop {
            other.send("RCPT TO:<bob@example.test>\r\n").await;
            match other.reply().await.0 {
                250 => tokio::task::yield_now().await,
                code => return code,
            }
        }
    };
    let code = test_kit::in_time("a user who was removed is refused", refused).await;
    assert_eq!(code, 550);
}

#[tokio::test]
async fn without_the_directory_nobody_is_known_or_unknown() {
    let system = System::start().await;
    system.set_away(true);
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    let reply = client.say("RCPT TO:<bob@example.test>", 451).await;
    assert!(!reply.contains("secret"), "{reply}");
}

#[tokio::test]
async fn a_repeated_recipient_is_one() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.say("RCPT TO:<bob@EXAMPLE.test>", 250).await;
    client.say("RCPT TO:<BOB@example.test>", 250).await;
    client.say("RCPT TO:<\"bob\"@example.test>", 250).await;
    client.data("", 250).await;
    assert_eq!(system.queue.only().recipients.len(), 1);
}

#[tokio::test]
async fn what_another_server_may_tell_apart_is_two() {
    let system = System::start().await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@example.test", "bob@far.test").await;
    client.say("RCPT TO:<BOB@far.test>", 250).await;
    client.say("RCPT TO:<bob@far.test>", 250).await;
    client.data("", 250).await;
    assert_eq!(system.queue.only().recipients.len(), 2);
}

#[tokio::test]
async fn dsn_parameters_reach_the_queue() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client
        .say(
            "MAIL FROM:<a@client.test> RET=HDRS ENVID=x+20y BODY=8BITMIME",
            250,
        )
        .await;
    client
        .say(
            "RCPT TO:<bob@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@x",
            250,
        )
        .await;
    client.data("", 250).await;
    let submission = system.queue.only();
    assert_eq!(submission.envelope_id, "x+20y");
    assert_eq!(submission.return_content, 2);
    assert!(submission.eight_bit);
    assert_eq!(submission.recipients[0].notify, Notify::from_bits(5));
    assert_eq!(submission.recipients[0].original_recipient, "rfc822;b@x");
}

#[tokio::test]
async fn the_null_sender_and_the_postmaster_are_taken() {
    let policy = format!("[delivery]\npostmaster = \"bob@example.test\"\n{POLICY}");
    let system = System::start_with(&policy, |_| {}).await;
    let mut client = system.connect(Port::External).await;
    client.envelope("", "Postmaster").await;
    client.data("", 250).await;
    let submission = system.queue.only();
    assert_eq!(submission.reverse_path, "");
    assert_eq!(submission.recipients[0].address, "bob@example.test");
}

#[tokio::test]
async fn i9_a_postmaster_who_reads_elsewhere_is_reached_and_nobody_else_there() {
    let policy = format!("[delivery]\npostmaster = \"admin@elsewhere.test\"\n{POLICY}");
    let system = System::start_with(&policy, |_| {}).await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<admin@elsewhere.test>", 550).await;
    client.say("RCPT TO:<postmaster@elsewhere.test>", 550).await;
    client.say("RCPT TO:<Postmaster>", 250).await;
    client.say("RCPT TO:<postmaster@example.test>", 250).await;
    client.data("", 250).await;
    let recipients = system.queue.only().recipients;
    let recipients: Vec<_> = recipients.iter().map(|one| &*one.address).collect();
    // Delivery passes the second one on, and finds no mailbox.
    assert_eq!(
        recipients,
        ["admin@elsewhere.test", "postmaster@example.test"]
    );
}

#[tokio::test]
async fn a_new_policy_holds_from_the_next_transaction_on() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<x@new.test>", 550).await;
    system.policy.send_modify(|policy| {
        policy.push_str(
            "\n[[domain]]\nname = \"new.test\"\ndeliver = { mailbox = \"bob@example.test\" }\n",
        );
    });
    loop {
        client.say("RSET", 250).await;
        client.say("MAIL FROM:<a@client.test>", 250).await;
        client.send("RCPT TO:<x@new.test>\r\n").await;
        match client.reply().await.0 {
            250 => break,
            code => assert_eq!(code, 550),
        }
        // Refusals are counted by connection.
        client = system.connect(Port::External).await;
    }
}
