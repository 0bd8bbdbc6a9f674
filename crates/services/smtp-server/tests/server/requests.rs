//! FUTURERELEASE (RFC 4865), DELIVERBY (RFC 2852) and MT-PRIORITY (RFC 6710): offered to the right clients,
//! checked, and passed to the queue.

use api::clock::now_ms;

use crate::client::Client;
use crate::system::{POLICY, Port, System, header};

const BOB: &str = "AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0";
const KEYWORDS: [&str; 3] = ["FUTURERELEASE", "DELIVERBY", "MT-PRIORITY"];

/// The extensions in the reply to EHLO, with their parameters.
async fn offered(client: &mut Client) -> Vec<String> {
    let reply = client.say("EHLO client.test", 250).await;
    let lines = reply.lines().map(|line| line[4..].to_owned());
    lines
        .filter(|line| KEYWORDS.iter().any(|keyword| line.starts_with(keyword)))
        .collect()
}

async fn logged_in(system: &System) -> Client {
    let mut client = system.connect(Port::Plaintext).await;
    client.say(BOB, 235).await;
    client
}

fn policy(rules: &str) -> String {
    format!("[receiving.trusted]\n{rules}\n{POLICY}")
}

#[tokio::test]
async fn each_is_offered_to_those_it_is_for() {
    let system = System::start().await;
    let mut stranger = system.connect(Port::External).await;
    assert!(offered(&mut stranger).await.is_empty());
    let mut office = system.connect(Port::Internal).await;
    assert_eq!(offered(&mut office).await, ["DELIVERBY", "MT-PRIORITY"]);
    // The same before and after the login.
    let mut submitter = system.connect(Port::Plaintext).await;
    for login in [true, false] {
        let offered = offered(&mut submitter).await;
        assert!(
            offered[0].starts_with("FUTURERELEASE 2592000 2"),
            "{offered:?}"
        );
        assert_eq!(offered[1..], ["DELIVERBY", "MT-PRIORITY"]);
        if login {
            submitter.say(BOB, 235).await;
        }
    }
}

#[tokio::test]
async fn what_is_not_offered_is_not_taken() {
    let system = System::start().await;
    for (port, parameter) in [
        (Port::External, "HOLDFOR=60"),
        (Port::External, "MT-PRIORITY=-1"),
        (Port::External, "BY=60;R"),
        (Port::Internal, "HOLDUNTIL=2036-01-01T00:00:00Z"),
    ] {
        let mut client = system.connect(port).await;
        let mail = format!("MAIL FROM:<a@x.test> {parameter}");
        let reply = client.say(&mail, 555).await;
        assert!(reply.contains("5.5.4"), "{reply}");
    }
}

#[tokio::test]
async fn what_is_asked_goes_to_the_queue_and_the_trace() {
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    let before = now_ms();
    client
        .say(
            "MAIL FROM:<bob@example.test> HOLDFOR=3600 BY=7200;RT MT-PRIORITY=-3",
            250,
        )
        .await;
    client.say("RCPT TO:<eve@example.test>", 250).await;
    client.data("Subject: x\r\n\r\ntext", 250).await;
    let taken = system.queue.only();
    let held_for = taken.hold_until_ms - before;
    assert!((3_600_000..3_700_000).contains(&held_for), "{held_for}");
    let header = header(&taken);
    let requests = taken.options.unwrap();
    assert_eq!(requests.priority, -3);
    assert_eq!(requests.future_release, "for;3600");
    let by = requests.deliver_by.unwrap();
    assert_eq!(by.deadline_ms, taken.hold_until_ms + 3_600_000);
    assert!(by.or_return && by.trace);
    let received = header.split("\r\nDate:").next().unwrap();
    assert!(received.contains("PRIORITY -3;"), "{received}");
}

#[tokio::test]
async fn ordinary_mail_asks_nothing_of_the_queue() {
    let system = System::start().await;
    let mut client = logged_in(&system).await;
    client
        .envelope("bob@example.test", "eve@example.test")
        .await;
    client.data("Subject: x\r\n\r\ntext", 250).await;
    let taken = system.queue.only();
    assert_eq!((taken.hold_until_ms, &taken.options), (0, &None));
    assert!(!header(&taken).contains("PRIORITY"));
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_at_mail() {
    let rules = "max-hold = \"1 h\"\nmin-deliver-by = \"1 min\"";
    let system = System::start_with(&policy(rules), |_| {}).await;
    let mut client = logged_in(&system).await;
    for (parameters, code, enhanced) in [
        ("HOLDFOR=3601", 501, "5.5.4"),
        ("HOLDUNTIL=2099-01-01T00:00:00Z", 501, "5.5.4"),
        ("HOLDUNTIL=1999-01-01T00:00:00Z", 501, "5.5.4"),
        ("HOLDFOR=120 BY=119;R", 501, "5.5.4"),
        ("HOLDFOR=120 BY=-1;N", 501, "5.5.4"),
        ("BY=59;R", 555, "5.5.4"),
        ("MT-PRIORITY=x", 501, "5.5.2"),
        ("HOLDFOR=3600", 250, "2.1.0"),
    ] {
        let mail = format!("MAIL FROM:<bob@example.test> {parameters}");
        let reply = client.say(&mail, code).await;
        assert!(reply.contains(enhanced), "{parameters}: {reply}");
    }
    client.say("RSET", 250).await;
    client.say("MAIL FROM:<bob@example.test> BY=1;N", 250).await;
}

#[tokio::test]
async fn what_the_administrator_does_not_offer_is_not_announced() {
    let system = System::start_with(&policy("max-hold = \"never\""), |_| {}).await;
    let mut client = logged_in(&system).await;
    assert_eq!(offered(&mut client).await, ["DELIVERBY", "MT-PRIORITY"]);
    let mail = "MAIL FROM:<bob@example.test> HOLDFOR=1";
    client.say(mail, 555).await;
}

#[tokio::test]
async fn a_priority_above_what_is_allowed_is_lowered_and_the_client_told() {
    let rules = "max-priority = 4\nmin-deliver-by = \"90 s\"";
    let system = System::start_with(&policy(rules), |_| {}).await;
    let mut client = logged_in(&system).await;
    assert_eq!(offered(&mut client).await[1], "DELIVERBY 90");
    let mail = "MAIL FROM:<bob@example.test> MT-PRIORITY=9";
    let reply = client.say(mail, 250).await;
    assert!(reply.starts_with("250 2.3.6 4 "), "{reply}");
    client.say("RCPT TO:<eve@example.test>", 250).await;
    client.data("Subject: x\r\n\r\ntext", 250).await;
    assert_eq!(system.queue.only().options.unwrap().priority, 4);
}

#[tokio::test]
async fn who_is_distrusted_though_logged_in_is_not_preferred_and_has_nothing_held() {
    let suspended = "[[trust]]\nname = \"suspended\"\naction = \"distrust\"\n\
                     where = { login = \"bob@example.test\" }\n";
    let system = System::start_with(&format!("{suspended}{POLICY}"), |_| {}).await;
    let mut client = system.connect(Port::Plaintext).await;
    client.say(BOB, 235).await;
    client
        .say("MAIL FROM:<bob@example.test> HOLDFOR=1", 555)
        .await;
    client
        .say("MAIL FROM:<bob@example.test> MT-PRIORITY=1", 555)
        .await;
}
