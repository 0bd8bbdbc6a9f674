//! Rows of `rules | results | verdict and reply | marks`.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use proptest::prelude::*;

use super::*;
use crate::{Policy, ReversePath, SessionFacts};

fn result(word: &str) -> AuthenticationResult {
    use AuthenticationResult as R;
    [
        R::Pass,
        R::None,
        R::Neutral,
        R::SoftFail,
        R::Fail,
        R::Policy,
        R::TempError,
        R::PermError,
    ]
    .into_iter()
    .find(|result| result.as_str() == word)
    .unwrap_or_else(|| panic!("no result {word}"))
}

/// `spf=fail dmarc=fail/reject arc=pass:lists.test`.
fn facts(text: &str) -> AuthenticationFacts {
    let mut facts = AuthenticationFacts::default();
    for word in text.split_whitespace() {
        let (method, value) = word.split_once('=').unwrap();
        let (value, subject) = value.split_once(':').unwrap_or((value, "client.test"));
        let (value, request) = value.split_once('/').unwrap_or((value, "none"));
        let finding = Some(Finding {
            result: result(value),
            subject: subject.to_owned(),
        });
        match method {
            "iprev" => facts.iprev = finding,
            "helo" => facts.spf_helo = finding,
            "spf" => facts.spf = finding,
            "dkim" => facts.dkim = finding,
            "arc" => facts.arc = finding,
            "dmarc" => {
                facts.dmarc = finding;
                facts.dmarc_request = match request {
                    "none" => DmarcRequest::None,
                    "quarantine" => DmarcRequest::Quarantine,
                    "reject" => DmarcRequest::Reject,
                    other => panic!("no request {other}"),
                };
            }
            other => panic!("no method {other}"),
        }
    }
    facts
}

#[derive(Debug)]
struct Decided {
    verdict: Verdict,
    taken: Taken,
}

fn decide(rules: &str, results: &str) -> Decided {
    let document = format!("[receiving.untrusted]\n{}", rules.replace(';', "\n"));
    let policy = Policy::parse(&document).unwrap_or_else(|errors| panic!("{document}\n{errors}"));
    let peer = "203.0.113.9".parse().unwrap();
    let session = SessionFacts::new("mx", peer, "198.51.100.1".parse().unwrap());
    let trust = policy.trust_of_sender(&session, &ReversePath::Null);
    assert!(!trust.trusted);
    let rules = &policy.receiving(trust.trusted).authentication;
    let Judgement { refusal, taken } = rules.judge(&facts(results));
    Decided {
        verdict: refusal.map_or_else(Verdict::accepted, |(_, verdict)| verdict),
        taken,
    }
}

#[test]
fn each_result_does_what_the_rules_say() {
    let table = include_str!("results.txt");
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in table
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let &[rules, results, expected, marks] = columns.as_slice() else {
            panic!("{row}");
        };
        let Decided { verdict, taken } = decide(rules, results);
        let Taken {
            marks: marked,
            junk,
            quarantine,
        } = taken;
        let found = match verdict.is_accepted() {
            true => "accepted".to_owned(),
            false => format!("{} {} {}", verdict.name, verdict.code, verdict.enhanced),
        };
        let mut marked = match marked.as_slice() {
            [] => "-".to_owned(),
            marked => marked.join(" "),
        };
        if junk {
            marked.push_str(" (junk)");
        }
        if !quarantine.is_empty() {
            let names: Vec<&str> = quarantine.iter().map(|charge| charge.name).collect();
            marked.push_str(&format!(" (quarantine: {})", names.join(" ")));
        }
        if (found.as_str(), marked.as_str()) != (expected, marks) {
            wrong.push(format!("{row}\n    found: {found} | {marked}"));
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(rows >= 50, "only {rows} rows");
}

/// Whatever is refused: a DNS that does not answer is never a reason to refuse for good.
#[test]
fn no_answer_of_the_dns_is_never_a_refusal_for_good() {
    let every = "{ fail = 'refuse', neutral = 'refuse', none = 'refuse', permerror = 'refuse', \
                 temperror = 'refuse' }";
    let rules = format!(
        "spf = {every};dkim = {every}\niprev = {{ fail = 'refuse', temperror = 'refuse' }}\n\
         dmarc = {{ reject = 'refuse', quarantine = 'refuse', none = 'refuse', temperror = 'refuse' }}"
    );
    for results in [
        "spf=temperror",
        "dkim=temperror",
        "iprev=temperror",
        "dmarc=temperror/reject",
        "helo=temperror",
        "spf=temperror dkim=temperror iprev=temperror helo=temperror dmarc=temperror/reject",
    ] {
        let verdict = decide(&rules, results).verdict;
        assert!(verdict.code < 500, "{results}: {verdict}");
    }
}

#[test]
fn a_refusal_names_whom_it_is_about() {
    let verdict = decide("spf = { fail = 'refuse' }", "spf=fail:bad.test").verdict;
    assert_eq!(
        verdict.to_string(),
        "spf-fail: SPF is `fail` for \"bad.test\""
    );
}

#[test]
fn a_quarantine_says_what_speaks_against_the_message() {
    let decided = decide(
        "spf = { fail = 'quarantine' };dmarc = { quarantine = 'quarantine' }",
        "spf=fail:bad.test dmarc=fail/quarantine:author.test",
    );
    assert!(decided.verdict.is_accepted());
    let why: Vec<String> = decided
        .taken
        .quarantine
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        why,
        [
            "dmarc-quarantine: DMARC is `fail` for \"author.test\"",
            "spf-fail: SPF is `fail` for \"bad.test\""
        ]
    );
}

const ACTIONS: [&str; 5] = ["accept", "mark", "junk", "quarantine", "refuse"];

/// Keys of a method's table, and results of facts that they are about.
const SPF: &[(&str, &str)] = &[
    ("fail", "spf=fail"),
    ("softfail", "spf=softfail"),
    ("temperror", "spf=temperror"),
];
const DKIM: &[(&str, &str)] = &[
    ("none", "dkim=none"),
    ("fail", "dkim=fail"),
    ("temperror", "dkim=temperror"),
];
const DMARC: &[(&str, &str)] = &[
    ("reject", "dmarc=fail/reject"),
    ("quarantine", "dmarc=fail/quarantine"),
    ("permerror", "dmarc=permerror"),
    ("temperror", "dmarc=temperror"),
];

fn tables(actions: &[usize]) -> String {
    let mut actions = actions.iter().map(|action| ACTIONS[*action]);
    let mut table = |method: &str, keys: &[(&str, &str)]| {
        let entries: Vec<String> = keys
            .iter()
            .map(|(key, _)| match (*key, actions.next().unwrap()) {
                // No DNS is no reason to keep a message back.
                ("temperror", "quarantine") => "temperror = 'refuse'".to_owned(),
                (key, action) => format!("{key} = '{action}'"),
            })
            .collect();
        format!("{method} = {{ {} }}", entries.join(", "))
    };
    [
        table("spf", SPF),
        table("dkim", DKIM),
        table("dmarc", DMARC),
    ]
    .join(";")
}

/// How far a message comes: 0 refused, 1 into the quarantine, 2 to Junk, 3 to INBOX.
fn how_far(decided: &Decided) -> u8 {
    match decided {
        decided if !decided.verdict.is_accepted() => 0,
        decided if !decided.taken.quarantine.is_empty() => 1,
        decided if decided.taken.junk => 2,
        _ => 3,
    }
}

proptest! {
    #[test]
    fn a_stricter_action_never_lets_more_in(
        actions in prop::collection::vec(0..ACTIONS.len(), 10),
        stricter in 0..10_usize,
        found in (0..SPF.len(), 0..DKIM.len(), 0..DMARC.len()),
    ) {
        let results = [SPF[found.0].1, DKIM[found.1].1, DMARC[found.2].1].join(" ");
        let before = decide(&tables(&actions), &results);
        let mut raised = actions.clone();
        raised[stricter] = (raised[stricter] + 1).min(ACTIONS.len() - 1);
        let after = decide(&tables(&raised), &results);
        prop_assert!(how_far(&before) >= how_far(&after), "{before:?} became {after:?}");
    }
}
