//! Which of several failures is the cause.

use std::net::SocketAddr;

use smtp_protocol::client::TlsUse;

use super::super::hops::Hop;
use super::*;

fn tried(progress: Progress, status: &'static str, reason: &str) -> Tried {
    let failure = match status.starts_with('5') {
        true => Failure::permanent(status, reason),
        false => Failure::temporary(status, reason),
    };
    Tried { progress, failure }
}

/// A plan with this many servers.
fn plan(servers: u8) -> Plan {
    let hops = (1..=servers).map(|n| Hop {
        name: format!("mx{n}.test"),
        addresses: vec![SocketAddr::from(([192, 0, 2, n], 25))],
    });
    Plan {
        hops: hops.collect(),
        unresolved: Vec::new(),
        tls: TlsUse::IfOffered,
        login: None,
        secured: false,
        gateway: None,
    }
}

/// A trail along this plan: the first servers were unreachable, the last has answered.
fn trail(plan: Plan, unopened: Vec<Tried>, answered: Option<Tried>) -> Trail {
    let mut trail = Trail::default();
    trail.follow(&Arc::new(plan));
    let last = unopened.len();
    trail.unopened(unopened.into_iter().enumerate().collect());
    if let Some(answered) = answered {
        trail.opened(last);
        trail.answered(1, answered);
    }
    trail
}

#[test]
fn content_that_nobody_answered_goes_to_one_more_server_and_not_to_all() {
    let lost = || tried(Progress::Content, LOST, "lost");
    let mut trail = trail(plan(4), Vec::new(), Some(lost()));
    assert!(trail.may_go_on(1));
    trail.answered(1, tried(Progress::Content, "4.3.0", "an answer"));
    assert!(trail.may_go_on(1));
    trail.answered(1, lost());
    assert!(!trail.may_go_on(1));
    assert!(trail.may_go_on(2));
}

#[test]
fn the_failure_that_got_furthest_is_the_cause_and_the_others_are_told() {
    use Progress::{Connection, Login, Mail, Session, Tls};
    let refused = |n: u8| {
        tried(
            Connection,
            "4.4.1",
            &format!("No connection with mx{n}: refused."),
        )
    };
    let login = tried(Login, "4.4.0", "mx2 refused the login: 535 no");
    let no_tls = tried(Tls, NO_TLS, "No TLS with mx1: unknown issuer.");
    let busy = tried(Mail, "4.3.0", "mx2 refused the sender: 451 busy");
    let too_large = tried(Session, "5.3.4", "The message is too large.");
    // servers, unopened, answered → status and reason
    let table = [
        (
            2,
            vec![refused(1), login.clone()],
            None,
            "4.4.0 mx2 refused the login: 535 no. Also tried: No connection with mx1: refused.",
        ),
        (
            2,
            vec![login, refused(1)],
            None,
            "4.4.0 mx2 refused the login: 535 no. Also tried: No connection with mx1: refused.",
        ),
        (
            2,
            vec![no_tls, refused(2)],
            None,
            "4.7.5 No TLS with mx1: unknown issuer. Also tried: No connection with mx2: refused.",
        ),
        (
            2,
            vec![refused(1), refused(2)],
            None,
            "4.4.1 No connection with mx1: refused. Also tried: No connection with mx2: refused.",
        ),
        (
            1,
            vec![refused(1)],
            None,
            "4.4.1 No connection with mx1: refused.",
        ),
        (
            2,
            vec![refused(1)],
            Some(busy),
            "4.3.0 mx2 refused the sender: 451 busy. Also tried: No connection with mx1: refused.",
        ),
        // All servers refuse permanently; or one did not answer, or was not tried.
        (
            1,
            vec![],
            Some(too_large.clone()),
            "5.3.4 The message is too large.",
        ),
        (
            2,
            vec![refused(1)],
            Some(too_large.clone()),
            "4.4.1 No connection with mx1: refused. Also tried: The message is too large.",
        ),
        (
            2,
            vec![],
            Some(too_large),
            "4.4.4 The message is too large.",
        ),
        (1, vec![], None, "4.4.4 There is no server to connect to."),
    ];
    for (servers, unopened, answered, expected) in table {
        let failure = trail(plan(servers), unopened, answered).conclude(Some(1));
        assert_eq!(format!("{} {}", failure.status, failure.reason), expected);
        assert_eq!(failure.permanent, expected.starts_with('5'), "{expected}");
    }
}

#[test]
fn servers_without_an_address_are_told_and_no_failure_is_the_last_while_one_may_come_back() {
    let too_large = tried(Progress::Session, "5.3.4", "It is too large.");
    for (lookup, expected) in [
        (
            Failure::permanent("5.4.4", "The host mx1.test has no address."),
            "5.3.4 It is too large. Also tried: The host mx1.test has no address.",
        ),
        (
            Failure::temporary("4.4.3", "The DNS query for mx1.test failed."),
            "4.4.4 It is too large. Also tried: The DNS query for mx1.test failed.",
        ),
    ] {
        let plan = Plan {
            unresolved: vec![lookup],
            ..plan(1)
        };
        let failure = trail(plan, Vec::new(), Some(too_large.clone())).conclude(Some(1));
        assert_eq!(format!("{} {}", failure.status, failure.reason), expected);
    }
}

#[test]
fn what_requires_tls_fails_for_good_only_when_no_server_may_have_it() {
    let no_tls = tried(Progress::Tls, NO_TLS, "mx1 does not offer TLS.");
    let no_require = tried(Progress::Session, NOT_SECURE, "mx2 does not offer it");
    let refused = tried(Progress::Connection, "4.4.1", "No connection with mx2.");
    let secured = || Plan {
        secured: true,
        ..plan(2)
    };
    let insecure = trail(secured(), vec![no_tls.clone()], Some(no_require));
    let failure = insecure.conclude(Some(1));
    assert!(
        failure.permanent && failure.status == NOT_SECURE,
        "{failure:?}"
    );
    let unheard = trail(secured(), vec![no_tls.clone(), refused], None);
    assert!(!unheard.conclude(Some(1)).permanent);
    let unasked = trail(secured(), vec![no_tls], None);
    assert!(!unasked.conclude(Some(1)).permanent);
}

#[test]
fn what_is_told_of_many_servers_is_bounded() {
    let failures = (0..9).map(|n| {
        tried(
            Progress::Hello,
            "4.4.0",
            &format!("{n}{}", "ä".repeat(9_000)),
        )
    });
    let last = tried(Progress::Mail, "4.0.0", "It is the cause.");
    let failure = trail(plan(10), failures.collect(), Some(last)).conclude(Some(1));
    assert!(
        failure
            .reason
            .starts_with("It is the cause. Also tried: 0ä")
    );
    assert!(failure.reason.chars().count() < 2 * OTHERS);
}
