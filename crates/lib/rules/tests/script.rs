//! How a policy script is read, and what is told of it.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use proptest::prelude::*;
use rules::{Checked, EmailAddress, ListenerRole, Policy, Script};

const POLICY: &str = r#"
[[domain]]
name = "example.test"
deliver = "mailboxes"
unmatched = { catch-all = "eve" }
"#;

fn play(text: &str) -> Vec<Checked> {
    let policy = Policy::parse(POLICY).unwrap();
    let script = Script::parse(text).unwrap();
    let users: Vec<EmailAddress> = script.users().unwrap_or_default().to_vec();
    script.play(&policy, &|user| users.contains(user))
}

fn errors(text: &str) -> Vec<String> {
    let errors = Script::parse(text).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_failed_expectation_says_where_what_was_found_and_why() {
    let checked = play(
        "# who\nusers bob@example.test\n\nclient 203.0.113.9 # a stranger\nmail <a@x.test>\n\
         rcpt   <b@y.test>   -> accepted # not so\n",
    );
    let [one] = checked.as_slice() else {
        panic!("{checked:?}");
    };
    assert!(!one.met);
    assert_eq!((one.line, one.statement.as_str()), (6, "rcpt <b@y.test>"));
    assert_eq!(one.expected.to_string(), "accepted");
    assert_eq!(one.found.to_string(), "relay-denied 550");
    assert!(!one.found.trusted);
    assert_eq!(
        one.found.reasons,
        [
            "the session is untrusted (external-listener)",
            "no domain rule names y.test",
            "203.0.113.9 sends as <a@x.test>"
        ]
    );
}

#[test]
fn verdict_code_and_route_must_all_be_as_expected() {
    let table = [
        ("accepted", true),
        ("accepted 250", true),
        ("accepted 251", false),
        ("accepted (mailbox bob@example.test)", true),
        ("accepted 250 (mailbox bob@example.test)", true),
        ("accepted (mailbox eve@example.test)", false),
        ("relay-denied", false),
        ("trusted", false),
    ];
    for (expected, met) in table {
        let checked = play(&format!(
            "users bob@example.test\nclient 203.0.113.9\nmail <>\n\
             rcpt <bob@example.test> -> {expected}"
        ));
        assert_eq!(checked[0].met, met, "{expected}");
    }
}

#[test]
fn a_client_brings_nothing_along_from_the_one_before() {
    let checked = play(
        "client 203.0.113.9\nhelo x.test\ntls\nauth bob\ntrust -> authenticated\n\
         client 203.0.113.9\ntrust -> untrusted\n",
    );
    assert!(checked.iter().all(|checked| checked.met), "{checked:?}");
}

#[test]
fn interface_proxy_and_name_are_those_of_one_client() {
    let policy = Policy::parse(
        "[[trust]]\naction = \"trust\"\nwhere = { reverse-dns = \"*.partner.test\" }\n",
    )
    .unwrap();
    let script = Script::parse(
        "client 10.0.0.5 interface=dmz\ntrust -> dmz-listener\n\
         client 203.0.113.9 interface=internal\ntrust -> public-peer\n\
         client 203.0.113.9 interface=internal,set\ntrust -> internal-peer\n\
         client 10.0.0.5 proxy=10.0.0.5\ntrust -> proxy-peer\n\
         client 203.0.113.9 reverse-name=x.test,Mail.Partner.test\ntrust -> trust-policy\n\
         client 203.0.113.9 reverse-name=failed\nmail <a@x.test>\nrcpt <b@y.test> -> trust-unknown 451\n\
         client 203.0.113.9\nmail <a@x.test>\nrcpt <b@y.test> -> relay-denied 550\n",
    )
    .unwrap();
    let checked = script.play(&policy, &|_| false);
    assert_eq!(checked.len(), 7);
    assert!(checked.iter().all(|checked| checked.met), "{checked:?}");
}

#[test]
fn a_listener_has_the_role_that_is_told_or_else_known() {
    let text = "listener office\nclient 10.0.0.5\nmail <a@x.test> -> accepted\n\
                listener office role=mx\nclient 10.0.0.5\nmail <a@x.test> -> accepted\n\
                listener other\nclient 10.0.0.5\nmail <a@x.test> -> accepted\n";
    let met = |script: Script| -> Vec<bool> {
        let checked = script.play(&Policy::parse("").unwrap(), &|_| false);
        checked.iter().map(|checked| checked.met).collect()
    };
    let script = Script::parse(text).unwrap();
    assert_eq!(met(script), [true, true, true]);
    let submission = Some(ListenerRole::Submission);
    let known = |name: &str| submission.filter(|_| name == "office");
    let script = Script::parse(text).unwrap().knowing(&known);
    assert_eq!(met(script), [false, true, true]);
}

#[test]
fn what_was_looked_at_is_found_with_each_expectation() {
    let checked = play(
        "client 203.0.113.9 rate=left -> accepted\ntrust -> untrusted\n\
         mail <a@x.test> size=1 -> accepted\nrcpt <b@y.test> -> accepted\n",
    );
    let last = |at: usize| {
        let step = checked[at].found.steps.last().unwrap();
        format!("{}: {}", step.rule, step.outcome)
    };
    assert_eq!(last(0), "[receiving.untrusted] refuse-early-talkers: off");
    assert!(
        last(1).starts_with("network and login: untrusted"),
        "{}",
        last(1)
    );
    assert_eq!(last(2), "MAIL FROM:<a@x.test>: accepted");
    assert_eq!(last(3), "relay rule: relay-denied");
}

#[test]
fn the_bare_postmaster_is_reached_by_everybody() {
    let policy = Policy::parse("[delivery]\npostmaster = \"admin@elsewhere.test\"\n").unwrap();
    let script = Script::parse(
        "client 203.0.113.9\nmail <>\nrcpt <Postmaster> -> accepted 250 (direct to elsewhere.test)\n\
         rcpt postmaster -> accepted\nrcpt <admin@elsewhere.test> -> relay-denied 550\n\
         rcpt <postmaster@elsewhere.test> -> relay-denied 550\n",
    )
    .unwrap();
    let checked = script.play(&policy, &|_| false);
    assert_eq!(checked.len(), 4);
    assert!(checked.iter().all(|checked| checked.met), "{checked:?}");
}

#[test]
fn the_users_that_matter_are_known_before_it_is_played() {
    let script = Script::parse(
        "client 203.0.113.9\nmail <>\nrcpt <Bob@example.test>\nrcpt <bob@example.test>\n\
         rcpt <x@y.test>\nrcpt <nonsense>\n",
    )
    .unwrap();
    assert!(script.users().is_none());
    let asked = script.users_asked(&Policy::parse(POLICY).unwrap());
    let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
    assert_eq!(asked, ["bob@example.test", "eve@example.test"]);
}

#[test]
fn everything_that_is_wrong_with_a_script_is_told_by_line() {
    let table = [
        ("rcpt <b@y.test>", "line 1: `rcpt` before `mail`"),
        ("mail <>", "line 1: `mail` before `client`"),
        ("listener a\nhelo x", "line 2: `helo` before `client`"),
        ("client here", "line 1: `here` is no IP address"),
        ("client", "line 1: `client` needs an address"),
        (
            "client ::1 remote=::1",
            "line 1: `remote=::1` is not known here; there can be local=, \
             interface=, proxy=, reverse-name=, early=, listed=, rate=",
        ),
        (
            "client ::1 interface=lan",
            "line 1: `lan`: the class can be internal, external or dmz",
        ),
        (
            "client ::1 reverse-name=",
            "line 1: `reverse-name=` needs a name, or `none` or `failed`",
        ),
        (
            "listener mx lan",
            "line 1: `lan`: a class is auto, internal, external or dmz",
        ),
        (
            "listener mx role=msa",
            "line 1: `msa`: a role is mx or submission",
        ),
        (
            "client ::1\nmail <> priority=10",
            "line 2: `10` is no priority from -9 to 9",
        ),
        (
            "client ::1\nhelo x -> accepted",
            "line 2: `helo` has no verdict: `->` stands behind client, trust, mail, rcpt or message",
        ),
        (
            "client ::1\ntrust",
            "line 2: `trust` says nothing without `->`",
        ),
        (
            "client ::1\nmail <> ->",
            "line 2: `->` needs the name of a verdict",
        ),
        (
            "client ::1\nmail <> -> 550",
            "line 2: `550` is no name of a verdict",
        ),
        (
            "client ::1\nmail <> -> accepted 99",
            "line 2: `99` is not known here; there can be behind the verdict a reply code and a \
             route in parentheses",
        ),
        ("client ::1\nmail <a", "line 2: a `<` has no `>`"),
        ("client ::1\nhelo \"a b", "line 2: a `\"` has no end"),
        ("client ::1\nhelo a b", "line 2: `b` is too much"),
        (
            "client ::1\nmail <> size=big",
            "line 2: `big` is no size: not a size such as \"25 MiB\"",
        ),
        (
            "client ::1\nmail <>size=1",
            "line 2: a blank is missing behind `>` or `)`",
        ),
        ("-> accepted", "line 1: nothing stands before `->`"),
        (
            "users bob",
            "line 1: `bob` is no user's address: an address needs `@` and a domain",
        ),
        (
            "from <a@x.test>",
            "line 1: `from` is no statement; there are users, listener, client, helo, tls, auth, \
             trust, mail, rcpt and message",
        ),
        (
            "message spf=fail -> junk",
            "line 1: `message` before `mail`",
        ),
        (
            "client 192.0.2.1\nmail <>\nmessage spf=bad",
            "line 3: `bad` is not known here; it can be pass, none, neutral, softfail, fail, \
             policy, temperror, permerror",
        ),
        (
            "client 192.0.2.1\nmail <>\nmessage dmarc=fail/drop",
            "line 3: `drop` is not known here; it can be none, quarantine, reject",
        ),
        (
            "client 192.0.2.1\nmail <>\nmessage junk",
            "line 3: `junk` is not known here; there can be iprev=, helo=, spf=, dkim=, dmarc=, \
             arc=, attachment=, type=, from=",
        ),
        (
            "client ::1 early=soon",
            "line 1: `soon` is not known here; it can be greeting, hello, no",
        ),
        (
            "client ::1 listed=bl.test/no",
            "line 1: `no` is no answer of a list, such as 127.0.0.2",
        ),
        (
            "client ::1 rate=much",
            "line 1: `much` is not known here; it can be left, used-up",
        ),
        (
            "client ::1\nmail <> free=much",
            "line 2: `much` is no size: not a size such as \"25 MiB\"",
        ),
        (
            "client ::1\nmail <> sender-domain=gone",
            "line 2: `gone` is not known here; it can be usable, null-mx, missing, unusable, unknown",
        ),
        (
            "client ::1\nmail <> visitor=new",
            "line 2: `visitor=new` is not known here; there can be size=, hold=, deliver-by=, priority=, \
             recipients=, free=, \
             rate=, sender-domain=",
        ),
        (
            "client ::1\nmail <>\nrcpt <a@x.test> visitor=old",
            "line 3: `old` is not known here; it can be new, known",
        ),
        (
            "client ::1\nmail <>\nrcpt <a@x.test> more",
            "line 3: `more` is not known here; there can be rate=, visitor=",
        ),
        (
            "client ::1\nmail <>\nmessage attachment=",
            "line 3: an attachment needs a name, or `none` or `unclear`",
        ),
        (
            "client ::1\nmail <>\nmessage type=exe",
            "line 3: `exe` is no media type such as image/png",
        ),
        (
            "client ::1\nmail <>\nmessage -> accepted (good)",
            "line 3: `good` is not known here; there can be marked NAME, unmarked, whole and \
             stripped",
        ),
        (
            "client 192.0.2.1\nmail <>\nmessage\nmessage",
            "line 4: `message` before `mail`",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(errors(text), [expected], "{text}");
    }
    assert_eq!(errors("client\n\nfoo\n").len(), 2, "all of them at once");
}

proptest! {
    #[test]
    fn whatever_is_written_is_played_or_refused_by_line(
        words in prop::collection::vec(
            prop_oneof![
                3 => prop::sample::select(vec![
                    "client", "203.0.113.9", "listener", "mx", "helo", "tls", "auth", "trust",
                    "mail", "<a@x.test>", "<>", "rcpt", "<\"a >\"@example.test>", "->", "accepted",
                    "550", "(", "users", "size=", "size=\"1 KiB\"", "recipients=9", "#", "\n",
                    "\n", "\n", "\"", "\\", "<", "early", "listed=bl.test", "rate=used-up", "free=0", "visitor=new",
                    "message", "spf=fail", "dmarc=fail/reject", "attachment=a.exe", "from=<>",
                    "(whole)", "junk",
                ]).prop_map(str::to_owned),
                1 => "\\PC{0,8}",
            ],
            0..40,
        )
    ) {
        let text = words.join(" ");
        match Script::parse(&text) {
            Ok(script) => {
                let policy = Policy::parse(POLICY).unwrap();
                script.users_asked(&policy);
                script.play(&policy, &|_| true);
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                prop_assert!(errors.iter().all(|error| error.line <= text.lines().count()));
            }
        }
    }
}
