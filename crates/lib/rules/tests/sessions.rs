//! Plays the scripts in `sessions/`, each against the policy beside it. How a script is written is
//! told in `src/script.rs`; `postern policy test` plays the same ones.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use std::path::Path;

use rules::{EmailAddress, Policy, Script};

fn run(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let read = |extension: &str| {
        std::fs::read_to_string(folder.join(name).with_extension(extension)).unwrap()
    };
    let policy = Policy::parse(&read("toml")).unwrap_or_else(|errors| panic!("{errors}"));
    let script = Script::parse(&read("txt")).unwrap_or_else(|errors| panic!("{errors:?}"));
    let users: &[EmailAddress] = script.users().unwrap();
    let checked = script.play(&policy, &|user| users.contains(user));
    assert!(!checked.is_empty(), "{name} expects nothing");
    let wrong: Vec<String> = checked
        .iter()
        .filter(|checked| !checked.met)
        .map(|checked| {
            format!(
                "{name}.txt:{}: {} -> {}\n    found: {}\n    because {:?}",
                checked.line,
                checked.statement,
                checked.expected,
                checked.found,
                checked.found.reasons
            )
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn trust_is_decided_by_policies_login_and_network() {
    run("trust");
}

#[test]
fn each_condition_of_a_trust_policy_trusts_and_distrusts() {
    run("conditions");
}

#[test]
fn trust_follows_the_interface_and_the_proxy() {
    run("network");
}

#[test]
fn trust_by_reverse_name_fails_closed() {
    run("reverse_name");
}

#[test]
fn what_breaks_the_grammar_is_taken_of_whom_the_policy_says() {
    run("lenient");
}

#[test]
fn what_nobody_vouches_for_is_marked_kept_back_or_refused() {
    run("vouched");
}

#[test]
fn a_new_system_relays_for_nobody_outside() {
    run("default");
}

#[test]
fn recipients_are_accepted_by_domain_rules() {
    run("recipients");
}

#[test]
fn a_domain_is_known_however_it_is_written_and_no_other_is_taken_for_it() {
    run("addresses");
}

#[test]
fn i9_the_postmaster_is_reached_elsewhere_too_and_nobody_else_there() {
    run("postmaster");
}

#[test]
fn a_postmaster_who_has_no_mailbox_is_waited_for() {
    run("postmaster_without_mailbox");
}

#[test]
fn relaying_follows_the_relay_rule() {
    run("relay");
}

#[test]
fn each_class_is_held_to_its_own_receiving_rules() {
    run("receiving");
}

#[test]
fn senders_are_held_to_the_receiving_rules() {
    run("senders");
}

#[test]
fn messages_are_held_and_asked_back_within_limits() {
    run("timing");
}

#[test]
fn sizes_and_recipients_are_limited_by_class() {
    run("limits_by_class");
}

#[test]
fn who_comes_too_often_or_speaks_too_early_is_sent_away() {
    run("talk");
}

#[test]
fn room_for_mail_is_kept_for_the_trusted_longest() {
    run("room");
}

#[test]
fn lists_and_the_senders_domain_are_asked_of_the_dns() {
    run("dns");
}

#[test]
fn rates_and_greylisting_put_off() {
    run("often");
}

#[test]
fn attachments_are_refused_or_taken_out_by_class() {
    run("attachments");
}

#[test]
fn attachments_put_a_message_into_quarantine() {
    run("kept_back");
}

#[test]
fn who_has_logged_in_is_the_author() {
    run("authors");
}

#[test]
fn what_nobody_vouches_for_is_refused_by_every_result() {
    run("strictly_vouched");
}
