//! A policy document: what is wrong with it is told by line, and what is taken is no open relay (I9), whatever it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rules::{
    Assumptions, Domain, Play, Policy, RecipientVerdict, ReverseName, ReversePath, SessionFacts,
    Timing, explain,
};

fuzz_target!(|document: &str| {
    match Policy::parse(document) {
        Ok(policy) => strangers_do_not_relay(&policy),
        Err(errors) => {
            let lines = document.lines().count().max(1);
            let mut errors = errors.iter().peekable();
            assert!(errors.peek().is_some());
            for error in errors {
                assert!(!error.reason.is_empty());
                assert!((1..=lines + 1).contains(&error.line), "{error} of {lines}");
            }
        }
    }
});

/// From outside, to a domain that nobody names.
fn strangers_do_not_relay(policy: &Policy) {
    let (peer, local) = ([203, 0, 113, 9].into(), [198, 51, 100, 1].into());
    let mut facts = SessionFacts::new("mx", peer, local);
    facts.reverse_name = ReverseName::None;
    let sender = ReversePath::parse("a@stranger.invalid").expect("an address");
    let trust = policy.trust_of_sender(&facts, &sender);
    let elsewhere = Domain::parse("elsewhere.invalid").expect("a domain");
    if !trust.trusted && policy.domain(&elsewhere).is_none() {
        let path = policy
            .forward_path("<b@elsewhere.invalid>")
            .expect("a path");
        let verdict = policy.accept_recipient(&facts, &trust, &sender, &path);
        assert!(
            matches!(verdict, RecipientVerdict::Refuse(_)),
            "{verdict:?}"
        );
    }
    let recipients = [
        "<postmaster>",
        "<b@elsewhere.invalid>",
        "<b@example.test>",
        "<sales-x@example.test>",
    ];
    explain(
        policy,
        &Play {
            facts: &facts,
            sender: &sender,
            size: Some(1),
            timing: Timing::default(),
            recipients: &recipients.map(str::to_owned),
            taken: 0,
            has_user: &|user| user.local() == "b",
            assumptions: &Assumptions::default(),
            screen: None,
        },
    );
}
