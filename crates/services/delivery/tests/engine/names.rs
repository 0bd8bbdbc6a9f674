//! Names that the DNS allows, and names that cannot exist.

use api::queue::v1::Outcome;

use crate::scripted::{Script, Scripted};
use crate::system::{System, message};

#[tokio::test]
async fn names_are_looked_up_as_the_dns_allows_them() {
    let server = Scripted::start(Script::default()).await;
    let zone = "
        under_score.test A 127.0.0.1
        _leading.test A 127.0.0.1
        a_b_.c_d.test A 127.0.0.1
        exchange.test MX 10 mx_1.good.test
        exchange.test MX 20 -mx.good.test
        mx_1.good.test A 127.0.0.1
        digits.test MX 10 123.test
        123.test A 127.0.0.1
        xn--bcher-kva.test A 127.0.0.1
        UPPER_case.test A 127.0.0.1";
    let system = System::remote(zone, server.address).await;
    let to = [
        "x@under_score.test",
        "x@_leading.test",
        "x@a_b_.c_d.test",
        "x@exchange.test",
        "x@digits.test",
        "x@123.test",
        "x@xn--bcher-kva.test",
        "x@Upper_CASE.test",
    ];
    system.queue.give(vec![message(1, &to)]).await;
    for (id, to) in (1..).zip(to) {
        let completion = system.queue.completion(id).await;
        assert_eq!(
            completion.outcome(),
            Outcome::Relayed,
            "{to}: {completion:?}"
        );
    }
}

#[tokio::test]
async fn what_is_told_of_a_name_is_what_was_found_out() {
    let server = Scripted::start(Script::default()).await;
    let zone = "
        broken_.test SERVFAIL
        leads_nowhere.test MX 10 no_host.test";
    let system = System::remote(zone, server.address).await;
    let long = format!("x@{}.test", "a".repeat(64));
    let expected = [
        (
            "x@not_there.test",
            Outcome::Bounced,
            "5.1.2 There is no domain",
        ),
        (
            "x@leads_nowhere.test",
            Outcome::Bounced,
            "5.4.4 The host no_host.test has no address",
        ),
        (
            "x@broken_.test",
            Outcome::Retry,
            "4.4.3 The DNS query for broken_.test failed: ",
        ),
        (
            &*long,
            Outcome::Bounced,
            "5.1.3 This is not a mail address: the domain has a label longer",
        ),
        (
            "x@two..test",
            Outcome::Bounced,
            "5.1.3 This is not a mail address: the domain has an empty",
        ),
    ];
    let to = expected.map(|(to, ..)| to);
    system.queue.give(vec![message(1, &to)]).await;
    for (id, (to, outcome, told)) in (1..).zip(expected) {
        let completion = system.queue.completion(id).await;
        assert_eq!(completion.outcome(), outcome, "{to}: {completion:?}");
        assert!(completion.reason.starts_with(told), "{to}: {completion:?}");
    }
}

#[tokio::test]
async fn a_timeout_differs_from_an_error_of_the_dns() {
    let system = System::local().await;
    system.queue.give(vec![message(1, &["x@other.test"])]).await;
    let completion = system.queue.completion(1).await;
    assert_eq!(completion.outcome(), Outcome::Retry);
    assert!(completion.reason.starts_with("4.4.3"), "{completion:?}");
    assert!(!completion.reason.contains(" failed: "), "{completion:?}");
}
