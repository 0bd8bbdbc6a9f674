use std::time::Duration;

use rules::{Domain, DomainStanding};

use crate::bench::Bench;

const ZONE: &str = r"
good.test MX 10 mx.good.test
mx.good.test A 192.0.2.1
six.test MX 10 mx.six.test
mx.six.test AAAA 2001:db8::1
address.test A 192.0.2.1
null.test MX 0 .
private.test MX 10 mx.private.test
mx.private.test A 10.0.0.1
mx.private.test A 127.0.0.1
local.test A 127.0.0.1
dangling.test MX 10 mx.gone.test
second.test MX 10 mx.private.test
second.test MX 20 mx.good.test
third.test MX 10 mx.broken.test
third.test MX 20 mx.private.test
text.test TXT nothing
broken.test SERVFAIL
mx.broken.test SERVFAIL
slow.test SILENCE
";

#[tokio::test]
async fn a_domain_is_usable_when_one_of_its_servers_is() {
    let bench = Bench::start(ZONE).await;
    let rows = [
        ("good.test", DomainStanding::Usable),
        ("six.test", DomainStanding::Usable),
        ("address.test", DomainStanding::Usable),
        ("second.test", DomainStanding::Usable),
        ("null.test", DomainStanding::NullMx),
        ("private.test", DomainStanding::Unusable),
        ("local.test", DomainStanding::Unusable),
        ("dangling.test", DomainStanding::Missing),
        ("text.test", DomainStanding::Missing),
        ("missing.test", DomainStanding::Missing),
        ("third.test", DomainStanding::Unknown),
        ("broken.test", DomainStanding::Unknown),
    ];
    for (domain, expected) in rows {
        let domain = Domain::parse(domain).unwrap();
        assert_eq!(
            bench.authenticator.standing(&domain).await,
            expected,
            "{domain}"
        );
    }
}

#[tokio::test]
async fn a_silent_dns_is_not_waited_for_for_ever() {
    let bench = Bench::impatient(ZONE, Duration::from_millis(100)).await;
    let domain = Domain::parse("slow.test").unwrap();
    let standing = bench.authenticator.standing(&domain).await;
    assert_eq!(standing, DomainStanding::Unknown);
}
