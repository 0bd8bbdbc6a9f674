//! State transitions of a gateway.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use super::*;
use crate::clock::Clock;
use crate::policy::Proposal;

const NOW: i64 = 1_767_268_800_000;
const MINUTE: i64 = 60_000;

fn attempt(at: i64, failure: &str) -> Attempt {
    Attempt {
        gateway: "isp".to_owned(),
        at,
        failure: (!failure.is_empty()).then(|| failure.to_owned()),
    }
}

fn gateway(failing_since: i64, failure: (&str, i64), last_success_at: i64) -> Gateway {
    Gateway {
        name: "isp".to_owned(),
        failing_since,
        last_failure: failure.0.to_owned(),
        last_failure_at: failure.1,
        last_success_at,
    }
}

#[test]
fn a_state_is_written_when_it_changes_and_otherwise_once_a_minute() {
    let login = "the login was refused";
    let works = || gateway(0, ("", 0), NOW);
    let fails = || gateway(NOW, (login, NOW), NOW - 5);
    // known state, time and cause, written state
    let table = [
        (None, (NOW, ""), Some(works())),
        (Some(works()), (NOW, ""), None),
        (Some(works()), (NOW + MINUTE - 1, ""), None),
        (
            Some(works()),
            (NOW + MINUTE, ""),
            Some(gateway(0, ("", 0), NOW + MINUTE)),
        ),
        (None, (NOW, login), Some(gateway(NOW, (login, NOW), 0))),
        (
            Some(works()),
            (NOW + 1, login),
            Some(gateway(NOW + 1, (login, NOW + 1), NOW)),
        ),
        (Some(fails()), (NOW + 1, login), None),
        (
            Some(fails()),
            (NOW + MINUTE, login),
            Some(gateway(NOW, (login, NOW + MINUTE), NOW - 5)),
        ),
        (
            Some(fails()),
            (NOW + 1, "no TLS"),
            Some(gateway(NOW, ("no TLS", NOW + 1), NOW - 5)),
        ),
        (
            Some(fails()),
            (NOW + 1, ""),
            Some(gateway(0, (login, NOW), NOW + 1)),
        ),
        // Older than the known state: the answer was lost, and the request was sent again.
        (Some(works()), (NOW - 1, login), None),
        (Some(fails()), (NOW - 1, ""), None),
    ];
    for (known, (at, failure), expected) in table {
        let written = after(known.as_ref(), &attempt(at, failure));
        assert_eq!(written, expected, "{known:?} {at} {failure}");
    }
}

#[test]
fn of_several_attempts_the_newest_counts() {
    let attempts = [
        attempt(NOW, ""),
        attempt(NOW - 1, "before"),
        attempt(NOW, "the last of two"),
        Attempt {
            gateway: "other".to_owned(),
            ..attempt(NOW - 9, "")
        },
    ];
    let newest = newest(&attempts);
    assert_eq!(newest["isp"], &attempts[2]);
    assert_eq!(newest["other"], &attempts[3]);
}

#[test]
fn times_are_by_the_queue_s_clock_and_texts_command_no_terminal() {
    let told = |gateway: &str, failure: &str, age_ms| GatewayAttempt {
        gateway: gateway.to_owned(),
        failure: failure.to_owned(),
        age_ms,
    };
    let checked = check(vec![told("isp", "no\0\u{1b}[2J", 250)], NOW).unwrap();
    assert_eq!(checked, [attempt(NOW - 250, "no\u{fffd}\u{fffd}[2J")]);
    assert_eq!(
        check(vec![told("isp", "", u64::MAX)], NOW).unwrap()[0].at,
        1
    );
    for name in ["", "a\0b", &"n".repeat(MAX_NAME + 1)] {
        check(vec![told(name, "", 0)], NOW).unwrap_err();
    }
    check(vec![told("isp", "", 0); MAX_ATTEMPTS + 1], NOW).unwrap_err();
}

#[tokio::test]
async fn a_gateway_that_the_policy_names_no_more_is_forgotten() {
    let url = test_kit::Postgres::start().database().await;
    let options = database::Options::new("gateways", 2);
    let pool = database::connect(&url, &options).await.unwrap();
    volume::migrate(&pool).await.unwrap();
    let migrated = database::migrate(&pool, "queue", &crate::MIGRATIONS);
    migrated.await.unwrap();
    let clock = Clock::new(|| NOW);
    let policies = Policies::open(pool.clone(), clock.clone()).await.unwrap();
    let engine = Engine::new(pool.clone(), clock, 20);
    let mut connection = pool.acquire().await.unwrap();
    for name in ["isp", "removed"] {
        let fails = Gateway {
            name: name.to_owned(),
            ..gateway(NOW, ("no connection", NOW), 0)
        };
        sql::keep(&mut connection, &fails).await.unwrap();
    }
    assert_eq!(sql::failing(&mut connection).await.unwrap(), 2);

    let named = |name: &str| Proposal {
        document: format!("[[gateway]]\nname = \"{name}\"\nhosts = [\"smtp.isp.test\"]\n"),
        expected: None,
        author: String::new(),
        comment: String::new(),
    };
    let mut names = Named::default();
    for (name, failing) in [("isp", 1), ("other", 0)] {
        policies.apply(named(name)).await.unwrap();
        forget_removed(&engine, &policies, &mut names)
            .await
            .unwrap();
        let left = sql::failing(&mut connection).await.unwrap();
        assert_eq!(left, failing, "{name}");
    }
}
