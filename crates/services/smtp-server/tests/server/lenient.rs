//! Syntax errors of printers, scanners and telephones.

use api::message::v1::content::Text;
use rules::{ListenerClass, Policy, SessionFacts};

use crate::system::{POLICY, Port, System, header};

fn lenient() -> String {
    format!("[receiving.trusted]\nlenient = true\nsenders-must-belong-to-login = false\n{POLICY}")
}

#[tokio::test]
async fn what_can_mean_one_thing_only_is_taken_of_everybody() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    let sender = "MAIL FROM:a..b@client.test. ENVID=a+2b";
    client.say(sender, 250).await;
    client.say("RCPT TO:bob@example.test.", 250).await;
    let original = "RCPT TO:<x.@silent.test> ORCPT=rfc822;x.+40silent.test";
    client.say(original, 250).await;
    client.data("Subject: x\r\n\r\nx", 250).await;
    let submission = system.queue.only();
    assert_eq!(submission.reverse_path, "\"a..b\"@client.test");
    assert_eq!(submission.envelope_id, "a+2B");
    let recipients = submission.recipients.iter();
    let recipients: Vec<_> = recipients.map(|one| one.address.as_str()).collect();
    assert_eq!(recipients, ["bob@example.test", "\"x.\"@silent.test"]);
}

#[tokio::test]
async fn a_device_in_the_house_says_what_it_likes_where_the_policy_lets_it() {
    let policy = format!(
        "[delivery]\npostmaster = \"bob@example.test\"\n{}",
        lenient()
    );
    let system = System::start_with(&policy, |_| {}).await;
    let mut client = system.connect(Port::Internal).await;
    for hello in [
        "EHLO",
        "HELO bob's phone",
        "EHLO Büro",
        "EHLO localhost.(none)",
    ] {
        client.say(hello, 250).await;
    }
    client.say("MAIL FROM:<root>", 250).await;
    client.say("RCPT TO:eve", 250).await;
    client.say("DATA", 354).await;
    client.send("Subject: x\nTo: y\n\na\n.\nb\r\n.\r\n").await;
    client.expect(250).await;
    let submission = system.queue.only();
    assert_eq!(submission.reverse_path, "root@example.test");
    assert_eq!(submission.recipients[0].address, "eve@example.test");
    let header = header(&submission);
    let content = submission.content.unwrap();
    assert!(header.contains("from localhost.?none?"), "{header}");
    assert!(
        header.ends_with("\r\nSubject: x\r\nTo: y\r\n\r\n"),
        "{header}"
    );
    assert_eq!(content.text, Some(Text::Inline("a\r\n.\r\nb\r\n".into())));
}

/// What printers and scanners write in place of an address, and its meaning.
const WRITTEN: [(&str, &str); 12] = [
    ("MAIL FROM:\"Scanner\" <s@x.test>", "s@x.test"),
    ("MAIL FROM:Scanner <s@x.test>", "s@x.test"),
    ("MAIL FROM:<s@x.test >", "s@x.test"),
    ("MAIL FROM:< s@x.test>", "s@x.test"),
    ("MAIL FROM:<s@x.test", "s@x.test"),
    ("MAIL FROM:s@x.test>", "s@x.test"),
    ("MAIL FROM:<s@x.test>SIZE=10", "s@x.test"),
    ("MAIL FROM <s@x.test>", "s@x.test"),
    ("MAIL FROM : <s@x.test>", "s@x.test"),
    ("MAIL FROM:<s@x.test> SIZE=", "s@x.test"),
    ("MAIL FROM:<s@x.test> BODY= AUTH=", "s@x.test"),
    ("MAIL FROM:Scanner <root>", "root@example.test"),
];

#[tokio::test]
async fn an_address_in_a_form_that_means_one_thing_is_taken_of_a_device() {
    let postmaster = "[delivery]\npostmaster = \"bob@example.test\"\n";
    let system = System::start_with(&format!("{postmaster}{}", lenient()), |_| {}).await;
    let mut client = system.connect(Port::Internal).await;
    for (said, sender) in WRITTEN {
        client.say(said, 250).await;
        client.say("RCPT TO Bob <bob@example.test >", 250).await;
        client.data("Subject: x\r\n\r\nx", 250).await;
        let submission = system.queue.accepted().pop().unwrap();
        assert_eq!(submission.reverse_path, sender, "{said}");
        assert_eq!(submission.recipients[0].address, "bob@example.test");
    }
    // What could be two addresses is none.
    for said in [
        "MAIL FROM:a@x.test <b@y.test>",
        "MAIL FROM:<a@x.test> <b@y.test>",
        "MAIL FROM:<a@x.test>,<b@y.test>",
        "MAIL FROM:a@x.test b@y.test",
        "MAIL FROM:root, <b@y.test>",
    ] {
        client.say(said, 501).await;
    }
    let mut client = system.connect_raw(Port::Internal).await;
    client.expect(220).await;
    client.send(b"EHLO B\xfcro\x92s\r\n").await;
    client.expect(250).await;
    client.envelope("a@x.test", "bob@example.test").await;
    client.data("Subject: x\r\n\r\nx", 250).await;
}

#[tokio::test]
async fn a_form_that_lenient_would_take_is_refused_with_that_word() {
    for (port, may_be_taken) in [(Port::Internal, true), (Port::External, false)] {
        let system = System::start_with(POLICY, |config| config.max_bad_commands = 100).await;
        let mut client = system.connect(port).await;
        for (said, _) in WRITTEN {
            client.say(said, 501).await;
        }
        client.send(b"EHLO B\xfcro\r\n").await;
        client.expect(500).await;
        for refusal in system.refusals.told(WRITTEN.len() as u64 + 1).await {
            let reasons = refusal.reasons.join("; ");
            // What is beyond the rows of one report.
            if reasons == "(others)" {
                continue;
            }
            assert_eq!(
                reasons.contains("`lenient = true`"),
                may_be_taken,
                "{reasons}"
            );
        }
    }
}

#[tokio::test]
async fn an_ip_address_as_host_is_an_address_literal_of_everybody() {
    let system = System::start().await;
    for port in [Port::Internal, Port::External] {
        let mut client = system.connect(port).await;
        client.say("MAIL FROM:<scanner@192.168.1.20>", 250).await;
        client.say("RCPT TO:<bob@example.test>", 250).await;
        client.data("Subject: x\r\n\r\nx", 250).await;
        let submission = system.queue.accepted().pop().unwrap();
        assert_eq!(submission.reverse_path, "scanner@[192.168.1.20]");
    }
}

#[tokio::test]
async fn a_local_part_that_has_no_domain_here_is_refused_as_explain_says() {
    let rules = "[receiving.trusted]\nlenient = true\n\
                 [[domain]]\nname = \"*\"\ndeliver = \"direct\"\n";
    let system = System::start_with(rules, |_| {}).await;
    let mut client = system.connect(Port::Internal).await;
    client.say("MAIL FROM:<root>", 501).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<root>", 501).await;
    let told = system.refusals.told(2).await;
    for row in &told {
        assert!(
            row.reasons
                .iter()
                .any(|one| one.contains("[delivery] postmaster"))
        );
    }
    let policy = Policy::parse(rules).unwrap();
    let (peer, local) = ("127.0.0.1".parse().unwrap(), "127.0.0.1".parse().unwrap());
    let mut facts = SessionFacts::new("internal", peer, local);
    facts.class = ListenerClass::Internal;
    let refused = policy.written_sender(&facts, "root").unwrap_err();
    let sender = told.iter().find(|row| row.verdict == "malformed-sender");
    assert_eq!(refused.reasons, sender.unwrap().reasons);
}

#[tokio::test]
async fn one_that_ends_all_its_lines_with_lf_ends_its_message_so() {
    let system = System::start_with(&lenient(), |_| {}).await;
    let mut client = system.connect_raw(Port::Internal).await;
    client.expect(220).await;
    client
        .send("HELO scanner\nMAIL FROM:<a@client.test>\n")
        .await;
    client.send("RCPT TO:<bob@example.test>\nDATA\n").await;
    for code in [250, 250, 250, 354] {
        client.expect(code).await;
    }
    client.send("Subject: x\n\n..x\n.\nQUIT\n").await;
    client.expect(250).await;
    client.expect(221).await;
    let content = system.queue.only().content.unwrap();
    assert_eq!(content.text, Some(Text::Inline(".x\r\n".into())));
}

#[tokio::test]
async fn strangers_and_the_trusted_without_the_setting_are_held_to_the_grammar() {
    let strict = System::start().await;
    let open = System::start_with(&lenient(), |_| {}).await;
    for (system, port) in [(&strict, Port::Internal), (&open, Port::External)] {
        let mut client = system.connect(port).await;
        client.say("EHLO bob's phone", 501).await;
        client.say("MAIL FROM:<root>", 501).await;
        client.send("NOOP\n").await;
        client.expect(500).await;
        client.envelope("a@client.test", "bob@example.test").await;
        client.data("Subject: x\n\r\nx", 550).await;
    }
}

#[tokio::test]
async fn a_phone_may_call_itself_what_it_likes_before_it_logs_in() {
    let system = System::start_with(&lenient(), |_| {}).await;
    let mut client = system.connect_raw(Port::Plaintext).await;
    client.expect(220).await;
    client.say("EHLO Bob’s phone", 250).await;
    client
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0", 235)
        .await;
    client
        .envelope("bob@example.test", "eve@example.test")
        .await;
    client.data("Subject: x\r\n\r\nx", 250).await;
}

#[tokio::test]
async fn what_is_refused_for_how_it_is_said_is_reported_with_the_words() {
    let system = System::start().await;
    let mut client = system.connect_raw(Port::Internal).await;
    client.expect(220).await;
    client.say("EHLO bob's phone", 501).await;
    client.say("DATA", 503).await;
    client.say("HELO client.test", 250).await;
    client.say("MAIL FROM:<root>", 501).await;
    client.say("AUTH PLAIN !secret!", 503).await;
    client.send("NOOP\n").await;
    client.expect(500).await;
    client.say("WHAT", 500).await;
    let reported = system.refusals.told(6).await;
    let told: Vec<_> = reported.iter().map(|one| one.verdict.as_str()).collect();
    for verdict in [
        "malformed-hello",
        "command-out-of-place",
        "malformed-sender",
        "bare-line-feed",
        "unknown-command",
    ] {
        assert!(told.contains(&verdict), "{verdict}: {told:?}");
    }
    let hello = reported.iter().find(|one| one.verdict == "malformed-hello");
    let reasons = hello.unwrap().reasons.join("; ");
    assert!(reasons.contains("said: EHLO bob's phone"), "{reasons}");
    assert!(reasons.contains("`lenient = true`"), "{reasons}");
    let all = reported.iter().flat_map(|one| &one.reasons);
    assert!(!all.cloned().collect::<String>().contains("secret"));
}

#[tokio::test]
async fn lenient_is_named_only_where_it_would_help() {
    for (policy, port) in [
        (lenient().as_str(), Port::Internal),
        (POLICY, Port::Internal),
        (POLICY, Port::External),
    ] {
        let system = System::start_with(policy, |_| {}).await;
        let mut client = system.connect(port).await;
        client.say("MAIL FROM:<b@>", 501).await;
        client.say("MAIL FROM:<a@client.test>", 250).await;
        client.say("RCPT TO:<bob@example.test> NOTIFY=", 501).await;
        for refusal in system.refusals.told(2).await {
            let reasons = refusal.reasons.join("; ");
            assert!(!reasons.contains("lenient"), "{reasons}");
        }
    }
}

#[tokio::test]
async fn the_rules_judge_what_a_client_calls_itself_as_the_session_does() {
    let policy = Policy::parse(&lenient()).unwrap();
    let quite = |config: &mut smtp_server::Config| config.max_bad_commands = 1000;
    let system = System::start_with(&lenient(), quite).await;
    let here = std::net::Ipv4Addr::LOCALHOST.into();
    let (longest, long) = ("a".repeat(255), "a".repeat(256));
    for (port, class) in [
        (Port::Internal, ListenerClass::Internal),
        (Port::External, ListenerClass::External),
    ] {
        let mut facts = SessionFacts::new("mx", here, here);
        facts.class = class;
        let mut client = system.connect(port).await;
        for name in [
            "client.test",
            "a_b.test",
            "[192.0.2.1]",
            "[IPv6:2001:db8::1]",
            "localhost.(none)",
            "a b",
            "Büro",
            "bob's phone",
            "a,b",
            "a\tb",
            "",
            &longest,
            &long,
        ] {
            let code = policy.judge_hello(&facts, name).map_or(501, |()| 250);
            client.say(&format!("EHLO {name}"), code).await;
        }
    }
}
