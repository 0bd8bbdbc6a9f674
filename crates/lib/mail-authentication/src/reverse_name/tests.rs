#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use test_kit::FakeDns;

use super::*;

const ZONE: &str = "\
9.113.0.203.in-addr.arpa PTR mail.partner.test
mail.partner.test A 203.0.113.9
10.113.0.203.in-addr.arpa PTR mail.partner.test
11.113.0.203.in-addr.arpa PTR nowhere.test
12.113.0.203.in-addr.arpa PTR mail.partner.test
12.113.0.203.in-addr.arpa PTR Other.partner.test
12.113.0.203.in-addr.arpa PTR nowhere.test
other.partner.test A 192.0.2.1
other.partner.test A 203.0.113.12
13.113.0.203.in-addr.arpa SERVFAIL
14.113.0.203.in-addr.arpa PTR broken.test
broken.test SERVFAIL
15.113.0.203.in-addr.arpa PTR broken.test
15.113.0.203.in-addr.arpa PTR fine.test
fine.test A 203.0.113.15
9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR six.test
six.test AAAA 2001:db8::9
16.113.0.203.in-addr.arpa PTR under_score.test
under_score.test A 203.0.113.16
";

#[tokio::test]
async fn a_name_counts_when_it_leads_back_and_a_failure_is_no_answer() {
    let dns = FakeDns::start(ZONE).await;
    let names = ReverseNames::new(Dns::new(Some(dns.address())).unwrap());
    let confirmed = |name: &str| ReverseName::Confirmed(vec![name.to_owned()]);
    for (address, expected) in [
        ("203.0.113.9", confirmed("mail.partner.test")),
        // Another's name, a name that is none, no name at all.
        ("203.0.113.10", ReverseName::None),
        ("203.0.113.11", ReverseName::None),
        ("203.0.113.99", ReverseName::None),
        ("203.0.113.12", confirmed("other.partner.test")),
        ("203.0.113.13", ReverseName::Failed),
        ("203.0.113.14", ReverseName::Failed),
        ("203.0.113.15", ReverseName::Failed),
        // A name of the DNS, if not of a host.
        ("203.0.113.16", confirmed("under_score.test")),
        ("2001:db8::9", confirmed("six.test")),
        ("2001:db8::10", ReverseName::None),
    ] {
        let address = address.parse().unwrap_or(IpAddr::from([0; 4]));
        assert_eq!(names.of(address).await, expected, "{address}");
    }
}

#[tokio::test]
async fn without_a_name_server_nothing_is_known() {
    let gone = FakeDns::start("").await.address();
    let names = ReverseNames::new(Dns::new(Some(gone)).unwrap());
    assert_eq!(
        names.of(IpAddr::from([203, 0, 113, 9])).await,
        ReverseName::Failed
    );
}
