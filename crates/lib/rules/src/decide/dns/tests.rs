#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use super::*;
use crate::SessionFacts;

fn policy(rules: &str) -> (Policy, Trust) {
    let document = format!(
        "[receiving.untrusted]\n{rules}\n[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\""
    );
    let policy = Policy::parse(&document).unwrap_or_else(|errors| panic!("{errors}"));
    let peer = "203.0.113.9".parse().unwrap();
    let session = SessionFacts::new("mx", peer, "198.51.100.1".parse().unwrap());
    let trust = policy.trust(&session);
    assert!(!trust.trusted);
    (policy, trust)
}

#[test]
fn the_domain_is_asked_for_where_the_rule_wants_it() {
    let rows = [
        (
            "sender-domain-must-exist = true",
            "a@client.test",
            Some("client.test"),
        ),
        (
            "sender-domain-must-exist = true",
            "a@Client.Test",
            Some("client.test"),
        ),
        ("sender-domain-must-exist = true", "", None),
        ("sender-domain-must-exist = true", "a@[192.0.2.1]", None),
        ("sender-domain-must-exist = true", "bob@example.test", None),
        ("sender-domain-must-exist = false", "a@client.test", None),
        ("", "a@client.test", None),
    ];
    for (rules, sender, expected) in rows {
        let (policy, trust) = policy(rules);
        let sender = ReversePath::parse(sender).unwrap();
        let asked = policy.domain_to_ask(&trust, &sender);
        assert_eq!(asked.map(Domain::as_str), expected, "{rules} {sender}");
    }
}

#[test]
fn a_domain_without_a_server_is_refused_and_a_silent_dns_only_for_now() {
    let domain = Domain::parse("client.test").unwrap();
    let rows = [
        (DomainStanding::Usable, "accepted", 250, "2.1.0"),
        (DomainStanding::NullMx, "sender-null-mx", 550, "5.7.27"),
        (
            DomainStanding::Missing,
            "sender-domain-missing",
            550,
            "5.1.8",
        ),
        (
            DomainStanding::Unusable,
            "sender-domain-unusable",
            550,
            "5.1.8",
        ),
        (
            DomainStanding::Unknown,
            "sender-domain-unknown",
            451,
            "4.4.3",
        ),
    ];
    for (standing, name, code, enhanced) in rows {
        let verdict = judge_domain(&domain, standing);
        let verdict = verdict.err().unwrap_or_else(Verdict::accepted);
        let found = (verdict.name, verdict.code, verdict.enhanced);
        assert_eq!(found, (name, code, enhanced));
    }
}

/// `zone=answer,answer` for each list that answers.
fn listed(rules: &str, answers: &str) -> String {
    let (policy, trust) = policy(rules);
    let lists = &policy.receiving(false).dns.lists;
    let listings: Vec<Listing<'_>> = lists
        .iter()
        .map(|list| {
            let mut of_zone = answers.split_whitespace().filter_map(|one| {
                let (zone, answers) = one.split_once('=')?;
                (zone == list.zone.as_str()).then_some(answers)
            });
            let answers = of_zone.next().unwrap_or_default();
            let answers = answers.split(',').filter_map(|one| one.parse().ok());
            Listing {
                list,
                answers: answers.collect(),
            }
        })
        .collect();
    let judged = policy.judge_listings(&trust, &listings);
    judged
        .map_or_else(|refusal| refusal.name, |()| "accepted")
        .to_owned()
}

#[test]
fn lists_count_together() {
    let one = "dns-lists = [{ zone = 'bl.test' }]";
    let two = "dns-lists = [{ zone = 'bl.test', score = 2 }, { zone = 'other.test', score = 1 }]\n\
               dns-list-refuse-score = 3";
    let good = "dns-lists = [{ zone = 'bl.test', score = 3 }, { zone = 'wl.test', score = -5 }]\n\
                dns-list-refuse-score = 3";
    let only_good = "dns-lists = [{ zone = 'wl.test', score = -5 }]";
    let ranges = "dns-lists = [{ zone = 'bl.test', answers = ['127.0.0.4/30', '127.0.1.2'] }]";
    let errors = "dns-lists = [{ zone = 'bl.test', answers = '127.255.255.254' }]";
    let rows = [
        ("", "", "accepted"),
        (one, "", "accepted"),
        (one, "bl.test=127.0.0.2", "dns-listed"),
        (one, "bl.test=127.9.9.9", "dns-listed"),
        // Somebody has taken the name over, or the list does not serve us.
        (one, "bl.test=192.0.2.1", "accepted"),
        (one, "bl.test=127.255.255.254", "accepted"),
        (one, "bl.test=127.255.255.254,127.0.0.2", "dns-listed"),
        (errors, "bl.test=127.255.255.254", "dns-listed"),
        (two, "bl.test=127.0.0.2", "accepted"),
        (two, "other.test=127.0.0.2", "accepted"),
        (two, "bl.test=127.0.0.2 other.test=127.0.0.2", "dns-listed"),
        (good, "bl.test=127.0.0.2", "dns-listed"),
        (good, "bl.test=127.0.0.2 wl.test=127.0.0.2", "accepted"),
        (only_good, "wl.test=127.0.0.2", "accepted"),
        (only_good, "", "accepted"),
        (ranges, "bl.test=127.0.0.3", "accepted"),
        (ranges, "bl.test=127.0.0.4", "dns-listed"),
        (ranges, "bl.test=127.0.0.7", "dns-listed"),
        (ranges, "bl.test=127.0.0.8", "accepted"),
        (ranges, "bl.test=127.0.1.2", "dns-listed"),
    ];
    for (rules, answers, expected) in rows {
        assert_eq!(listed(rules, answers), expected, "{rules}: {answers}");
    }
}
