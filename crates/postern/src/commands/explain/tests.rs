#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use administration::explain::Explained;
use administration::policy::QueriedPolicy;
use administration::{Actor, System};
use clap::Parser;
use futures::executor::block_on;
use rules::Policy;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(line: &str) -> Arguments {
    let words = ["explain"].into_iter().chain(line.split(' '));
    Line::try_parse_from(words).unwrap().arguments
}

/// Plays the session of a command line by a document, by which everybody has a mailbox.
fn explained(line: &str, document: &str) -> Result<Explained, Failure> {
    let queried = QueriedPolicy {
        name: "revision 4".to_owned(),
        policy: Policy::parse(document).unwrap(),
        is_document: true,
    };
    let mut session = session(arguments(line))?;
    for recipient in &session.recipients {
        let users = queried.policy.users_asked_for(recipient);
        session.users.extend(users);
    }
    let system = System::read("", Path::new("/srv"), Path::new("/srv"), |_| None).unwrap();
    let actor = Actor {
        name: "root".to_owned(),
        from: None,
    };
    let administration = Administration::new(system, actor);
    let explaining = explain::explain(&administration, &queried, &session, None);
    Ok(block_on(explaining)?)
}

fn told(line: &str, document: &str) -> Explained {
    explained(line, document).unwrap()
}

#[test]
fn a_refusal_is_told_fact_by_fact_and_rule_by_rule() {
    let told = told("--peer 203.0.113.9 --from a@x.test --to b@y.test", "");
    assert_eq!(
        text(&told),
        "\
FACT            VALUE
peer            203.0.113.9
local address   198.51.100.1 (supposed: by the peer's address alone; --local says it)
listener        mx
listener class  auto
listener role   mx
reverse name    none
helo            none
login           none
tls             no
sender          <a@x.test>

RULE (revision 4)                                     OUTCOME
network and login                                     untrusted: the local address 198.51.100.1 is not an internal one
[receiving.untrusted] rates (connections)             off
[receiving.untrusted] refuse-early-talkers            off
login on submission ports                             on: not evaluated, the listener is for other servers
only parameters that EHLO offers                      on: not evaluated, no restricted parameter is used
[receiving.trusted] max-hold                          30 d: not evaluated, no holding time is requested
[receiving.trusted] min-deliver-by                    off
hold within deliver-by                                on: not evaluated, it has no holding time together with a delivery time
[receiving.trusted] max-priority                      9: not evaluated, no priority is requested
[receiving.untrusted] min-free-space                  1 GiB: not evaluated, it depends on the free space
[receiving.untrusted] max-size                        50 MiB: not evaluated, no size is declared
[receiving.untrusted] refuse-blank-reverse-path       off
[receiving.untrusted] refuse-address-literal-senders  off
[receiving.untrusted] refuse-spoofed-senders          off
[receiving.trusted] senders-must-belong-to-login      on: not evaluated, nobody has logged in
[receiving.untrusted] rates (messages)                off
[receiving.untrusted] dns-lists                       off
[receiving.untrusted] sender-domain-must-exist        off
MAIL FROM:<a@x.test>                                  accepted

RCPT TO:<b@y.test>                    OUTCOME
[receiving.untrusted] max-recipients  100: passed
domain rules                          none names y.test
relay rule                            relay-denied

Refused: relay-denied. The client reads \"550 5.7.1 Relaying denied\".
  because the session is untrusted (external-listener)
  because no domain rule names y.test
  because 203.0.113.9 sends as <a@x.test>"
    );
}

#[test]
fn an_internal_peer_is_on_an_internal_interface_unless_said_otherwise() {
    let trust = |line: &str| told(line, "").story.trust;
    let line = "--peer 10.0.0.7 --from a@x.test --to b@y.test";
    assert!(trust(line).trusted);
    let line = "--peer 10.0.0.7 --local 198.51.100.1 --from a@x.test --to b@y.test";
    assert!(!trust(line).trusted);
    let line = "--peer 10.0.0.7 --gateway 10.0.0.7 --from a@x.test --to b@y.test";
    assert_eq!(trust(line).name, "gateway-peer");
    let line = "--peer 203.0.113.9 --class internal --from a@x.test --to b@y.test";
    assert_eq!(trust(line).name, "internal-peer");
}

#[test]
fn interface_proxy_and_name_are_facts() {
    let to = "--from a@x.test --to b@y.test";
    let dmz = told(&format!("--peer 10.0.0.7 --interface eth1=dmz {to}"), "");
    assert_eq!(dmz.story.trust.name, "dmz-listener");
    assert!(text(&dmz).contains("interface       eth1, DMZ: as given"));
    let trust = |line: &str| told(&format!("{line} {to}"), "").story.trust;
    assert!(trust("--peer 10.0.0.7 --interface eth0=internal").trusted);
    let stranger = "--peer 203.0.113.9 --interface eth0=internal";
    assert_eq!(trust(stranger).name, "public-peer");
    let silent = "--peer 10.0.0.7 --proxy 10.0.0.7";
    assert_eq!(trust(silent).name, "proxy-peer");
    let policy = "[[trust]]\naction = \"trust\"\nwhere = { reverse-dns = \"*.partner.test\" }\n";
    let line = format!("--peer 203.0.113.9 {to}");
    assert!(!told(&line, policy).story.trust.trusted);
    let named = format!("{line} --reverse-name Mail.partner.test");
    assert!(told(&named, policy).story.trust.trusted);
    let failed = told(&format!("{line} --reverse-name failed"), policy);
    assert_eq!(failed.story.recipients[0].verdict.name, "trust-unknown");
    let refused = format!("explain {line} --interface eth0=office");
    assert!(Line::try_parse_from(refused.split(' ')).is_err());
}

#[test]
fn the_bare_postmaster_is_reached_by_everybody() {
    let document = "[delivery]\npostmaster = \"admin@elsewhere.test\"\n";
    let line = "--peer 203.0.113.9 --from a@x.test --to Postmaster";
    let told = told(line, document);
    assert!(told.accepted);
    let text = super::text(&told);
    assert!(text.contains("<Postmaster> is admin@elsewhere.test, whom everybody reaches"));
}

#[test]
fn each_recipient_is_told_with_its_route() {
    let document = "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";
    let line = "--peer 203.0.113.9 --from= --to bob@example.test --to b@y.test";
    let told = told(line, document);
    let text = super::text(&told);
    assert!(text.contains("Accepted: mailbox bob@example.test.\n  because domain rule"));
    assert!(text.contains("Refused: relay-denied."));
    assert!(
        text.contains("not evaluated, it needs the message"),
        "{text}"
    );
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["accepted"], false, "not for all of them");
    assert_eq!(json["policy"], "revision 4");
    assert_eq!(json["recipients"][0]["route"], "mailbox bob@example.test");
    assert_eq!(json["recipients"][1]["verdict"]["name"], "relay-denied");
}

#[test]
fn size_login_helo_and_tls_count() {
    let trust = "[[trust]]\nname = \"p\"\naction = \"trust\"\n\
                 where = { helo = \"p.test\", tls = true, login = \"bob@*\" }\n";
    let line = "--peer 203.0.113.9 --helo p.test --login bob@example.test --tls \
                --from bob@example.test --to b@y.test --size 100";
    let story = told(line, trust).story;
    assert_eq!(story.trust.name, "trust-policy");
    assert!(story.is_accepted());
    let large = told(
        "--peer 203.0.113.9 --from a@x.test --to b@y.test --size 60MiB",
        "",
    );
    assert_eq!(large.story.sender.name, "message-too-large");
    let text = super::text(&large);
    assert!(text.contains("50 MiB: refused"), "{text}");
    assert!(
        text.ends_with("`max-size` is 52428800 for untrusted"),
        "{text}"
    );
    assert!(!text.contains("RCPT TO"), "{text}");
}

#[test]
fn what_is_no_recipient_is_a_verdict_too() {
    let story = told("--peer 203.0.113.9 --from a@x.test --to nonsense", "").story;
    assert_eq!(story.recipients[0].verdict.name, "malformed-recipient");
}

const HELD: &str = "[receiving.untrusted]\nmin-free-space = \"1 GiB\"\nrefuse-early-talkers = true\n\
                    greylisting = { delay = \"5 min\" }\nspf = { fail = \"refuse\" }\n\
                    dmarc = { quarantine = \"quarantine\" }\n\
                    [[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";

#[test]
fn what_is_known_besides_is_evaluated() {
    let line = "--peer 203.0.113.9 --from a@x.test --to bob@example.test";
    let told = |more: &str| told(&format!("{line} {more}"), HELD);
    let name = |more: &str| told(more).story.recipients[0].verdict.name;
    assert_eq!(name("--free 500MiB"), "insufficient-storage");
    assert_eq!(name("--free 2GiB --early no --visitor known"), "accepted");
    assert_eq!(name("--early hello"), "early-talker");
    assert_eq!(name("--visitor new"), "greylisted");
    let refused = told("--spf fail");
    assert!(!refused.accepted);
    let text = super::text(&refused);
    assert!(
        text.ends_with("  because SPF is `fail` for \"a@x.test\""),
        "{text}"
    );
    let kept = told("--dmarc fail/quarantine --author boss@bank.test");
    assert!(kept.accepted);
    let text = super::text(&kept);
    assert!(
        text.ends_with(
            "The message is taken: marked dmarc-quarantine, into quarantine.\n  \
             because dmarc-quarantine: DMARC is `fail` for \"bank.test\""
        ),
        "{text}"
    );
    assert!(text.contains("from            boss@bank.test"), "{text}");
}

#[test]
fn what_cannot_be_known_is_told_by_its_option() {
    let line = "--peer 203.0.113.9 --from a@x.test --to bob@example.test";
    for (option, reason) in [
        ("--free much", "--free: `much` is no size"),
        ("--used-up all", "--used-up: `all`: it can be connections"),
        ("--dmarc fail/drop", "--dmarc: `drop` is not known here"),
    ] {
        let failure = session(arguments(&format!("{line} {option}"))).unwrap_err();
        assert_eq!(failure.code(), 2);
        assert!(failure.to_string().starts_with(reason), "{failure}");
    }
    let failure = message(Path::new("/nonexistent/mail")).unwrap_err();
    assert_eq!(failure.code(), 2);
    assert!(failure.to_string().starts_with("/nonexistent/mail: "));
}

#[test]
fn what_is_asked_of_when_it_goes_on_depends_on_the_role() {
    let line = "--peer 10.0.0.7 --from bob@example.test --login bob@example.test --to b@y.test";
    let sender = |more: &str| told(&format!("{line} {more}"), "").story.sender;
    assert_eq!(sender("--hold 1day").name, "not-offered");
    assert_eq!(sender("--hold 1day").code, 555);
    assert_eq!(sender("--hold 1day --role submission").name, "accepted");
    assert_eq!(
        sender("--hold 31days --role submission").name,
        "hold-too-long"
    );
    assert_eq!(sender("--deliver-by 1min").name, "accepted");
    let stranger = "--peer 203.0.113.9 --from a@x.test --to b@y.test";
    let asked = told(&format!("{stranger} --deliver-by 1min"), "");
    assert!(!asked.accepted);
    let text = super::text(&asked);
    assert!(
        text.ends_with(
            "Refused: not-offered. The client reads \"555 5.5.4 Unknown parameter\".\n  \
             because BY is for the trusted: the session is untrusted (external-listener)"
        ),
        "{text}"
    );
    let login = told(&format!("{stranger} --role submission"), "");
    assert_eq!(login.story.sender.name, "login-required");
    let lowered = told(
        &format!("{line} --priority 9"),
        "[receiving.trusted]\nmax-priority = 4\n",
    );
    assert!(lowered.accepted);
    let text = super::text(&lowered);
    assert!(text.contains("4: lowered to 4"), "{text}");
    assert!(text.contains("\npriority        9\n"), "{text}");
    let ranked =
        |n: &str| Line::try_parse_from(format!("explain {line} --priority {n}").split(' '));
    assert!(ranked("-9").is_ok() && ranked("10").is_err());
}

/// A scanner in the house, and who reads the postmaster's mail.
const HOUSE: &str = "[delivery]\npostmaster = \"bob@example.test\"\n\
                     [[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n\
                     [receiving.trusted]\n";

#[test]
fn what_can_mean_one_thing_only_is_taken_as_the_server_takes_it() {
    let line =
        "--peer 203.0.113.9 --from a.@x.test. --to b..ob@example.test --to <bob@example.test.>";
    let told = told(line, HOUSE);
    assert!(told.accepted);
    let text = super::text(&told);
    assert!(text.contains("<\"a.\"@x.test>"), "{text}");
    assert!(text.contains("mailbox \"b..ob\"@example.test"), "{text}");
    assert!(text.contains("mailbox bob@example.test"), "{text}");
    assert!(!text.contains("lenient"), "{text}");
    let user = "explain --peer 203.0.113.9 --from a@x.test --to b..ob@example.test --user b..ob@example.test";
    assert!(Line::try_parse_from(user.split(' ')).is_ok());
}

#[test]
fn what_only_lenient_takes_is_told_to_be_so() {
    let lenient = format!("{HOUSE}lenient = true\n");
    let to_eve = "--peer 10.0.0.7 --from a@x.test --to eve";
    let text = super::text(&told(to_eve, &lenient));
    assert!(text.contains("eve means eve@example.test"), "{text}");
    let only = "because an address in this form is accepted only because of `lenient = true`";
    assert!(text.contains(only), "{text}");
    let text = super::text(&told(
        "--peer 10.0.0.7 --from root --to <bob@example.test>",
        &lenient,
    ));
    assert!(
        text.contains("<root@example.test> (of `root`: an address in this form is accepted only"),
        "{text}"
    );

    // Of a stranger it is not, nor without the setting.
    let stranger = told("--peer 203.0.113.9 --from a@x.test --to eve", &lenient);
    let verdict = &stranger.story.recipients[0].verdict;
    assert_eq!(
        (verdict.name, verdict.reasons.len()),
        ("malformed-recipient", 1)
    );
    let strict = told(to_eve, HOUSE);
    let verdict = &strict.story.recipients[0].verdict;
    assert_eq!(verdict.name, "malformed-recipient");
    assert!(verdict.reasons[1].contains("`lenient = true` in [receiving.trusted] may accept it"));
}

#[test]
fn an_ehlo_that_the_server_refuses_is_refused() {
    let to_bob = "--from a@x.test --to bob@example.test";
    let of = |peer: &str, policy: &str| {
        told(
            &format!("--peer {peer} --helo localhost.(none) {to_bob}"),
            policy,
        )
    };
    let stranger = of("203.0.113.9", HOUSE);
    assert!(!stranger.accepted);
    let verdict = &stranger.story.recipients[0].verdict;
    assert_eq!((verdict.name, verdict.code), ("malformed-hello", 501));
    let lenient = format!("{HOUSE}lenient = true\n");
    assert!(of("10.0.0.7", &lenient).accepted);
    let strict = of("10.0.0.7", HOUSE);
    let reasons = strict.story.recipients[0].verdict.reasons.join("\n");
    assert!(
        reasons.contains("`lenient = true` in [receiving.trusted] may accept it"),
        "{reasons}"
    );
}

#[test]
fn a_sender_without_a_domain_is_refused_as_the_server_does() {
    let line = "--peer 203.0.113.9 --from root --to bob@example.test";
    let failure = explained(line, HOUSE).unwrap_err();
    assert_eq!(failure.code(), 1);
    let text = failure.to_string();
    assert!(text.contains("Refused: malformed-sender."), "{text}");
    assert!(
        text.contains("501 5.1.7 Malformed sender address"),
        "{text}"
    );
    assert!(
        Line::try_parse_from([
            "explain",
            "--peer",
            "10.0.0.7",
            "--from",
            "a b@x.test",
            "--to",
            "b"
        ])
        .is_err()
    );
}
