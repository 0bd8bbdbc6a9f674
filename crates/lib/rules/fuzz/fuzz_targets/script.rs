//! A policy script: what is wrong with it is told by line; what is taken is played, each expectation once and in order.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rules::{Policy, Script};

static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
    let documents = [
        include_str!("../../tests/sessions/trust.toml"),
        include_str!("../../tests/sessions/recipients.toml"),
    ];
    documents.map(|document| Policy::parse(document).expect("a policy of the tests"))
});

fuzz_target!(|text: &str| {
    match Script::parse(text) {
        Ok(script) => POLICIES.iter().for_each(|policy| play(&script, policy)),
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!((1..=text.lines().count()).contains(&error.line));
                assert!(!error.reason.is_empty());
            }
        }
    }
});

fn play(script: &Script, policy: &Policy) {
    let users = script.users_asked(policy);
    let checked = script.play(policy, &|user| users.contains(user));
    assert!(checked.iter().map(|checked| checked.line).is_sorted());
}
