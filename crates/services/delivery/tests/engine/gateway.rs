//! Gateways.

use std::sync::Arc;

use api::queue::v1::Outcome;
use delivery::Config;
use test_kit::{FakeDns, TestCertificate, free_port};

use crate::sink::{Manner, Sink};
use crate::system::{POLICY, System, message};

fn policy(hosts: &str, more: &str) -> String {
    format!(
        "[delivery]\nremote = {{ gateway = \"isp\" }}\n\
         [[gateway]]\nname = \"isp\"\nhosts = {hosts}\n{more}\n"
    )
}

#[tokio::test]
async fn the_first_gateway_that_answers_takes_the_mail_of_all_domains() {
    let sink = Sink::start(Manner::default()).await;
    let hosts = format!("[\"127.0.0.1:{}\", \"{}\"]", free_port(), sink.address);
    let system = System::start(&policy(&hosts, ""), None, Config::default()).await;
    let addresses = ["x@one.test", "y@two.test"];
    system.queue.give(vec![message(1, &addresses)]).await;
    for id in [1, 2] {
        assert_eq!(
            system.queue.completion(id).await.outcome(),
            Outcome::Relayed
        );
    }
    assert_eq!(sink.taken().len(), 1, "one transaction for both domains");
}

#[tokio::test]
async fn a_login_is_made_over_tls_with_a_certificate_that_names_the_gateway() {
    let certificate = Arc::new(TestCertificate::for_names(&["smtp.isp.test"]));
    let folder = tempfile::tempdir().unwrap();
    let (_, _, authority) = certificate.write_to(folder.path());
    let sink = Sink::start(Manner {
        certificate: Some(Arc::clone(&certificate)),
        extensions: vec!["AUTH PLAIN LOGIN"],
        ..Manner::default()
    })
    .await;
    let zone = "smtp.isp.test A 127.0.0.1\nwrong.isp.test A 127.0.0.1";
    for (host, outcome) in [
        ("smtp.isp.test", Outcome::Relayed),
        ("wrong.isp.test", Outcome::Retry),
    ] {
        let hosts = format!("[\"{host}:{}\"]", sink.address.port());
        let login = "login = { user = \"office\", secret = \"isp\" }";
        let config = Config {
            authorities: Some(authority.clone()),
            ..Config::default()
        };
        let dns = FakeDns::start(zone).await;
        let system = System::start(&policy(&hosts, login), Some(dns), config).await;
        system.queue.give(vec![message(1, &["x@one.test"])]).await;
        let completion = system.queue.completion(1).await;
        assert_eq!(completion.outcome(), outcome, "{completion:?}");
    }
    assert_eq!(sink.taken().len(), 1);
    assert!(sink.taken()[0].tls);
}

#[tokio::test]
async fn a_password_that_is_missing_or_wrong_costs_no_mail() {
    let sink = Sink::start(Manner {
        extensions: vec!["AUTH PLAIN"],
        ..Manner::default()
    })
    .await;
    let hosts = format!("[\"{}\"]", sink.address);
    for login in [
        "tls = \"none\"\nlogin = { user = \"office\", secret = \"missing\" }",
        "tls = \"none\"\nlogin = { user = \"somebody\", secret = \"isp\" }",
    ] {
        let system = System::start(&policy(&hosts, login), None, Config::default()).await;
        system.queue.give(vec![message(1, &["x@one.test"])]).await;
        assert_eq!(system.queue.completion(1).await.outcome(), Outcome::Retry);
    }
    assert!(sink.taken().is_empty());
}

#[tokio::test]
async fn what_requires_tls_goes_to_servers_that_prove_themselves_and_pass_it_on_alike_or_not_at_all()
 {
    let certificate = Arc::new(TestCertificate::for_names(&["mx.good.test"]));
    let folder = tempfile::tempdir().unwrap();
    let (_, _, authority) = certificate.write_to(folder.path());
    let manner = |extensions, certificate| Manner {
        extensions,
        certificate,
        ..Manner::default()
    };
    let good = manner(vec!["REQUIRETLS"], Some(Arc::clone(&certificate)));
    let silent = manner(vec![], Some(certificate));
    let plain = manner(vec!["REQUIRETLS"], None);
    for (domain, manner, tls, status) in [
        ("good.test", good.clone(), Outcome::Relayed, "taken"),
        // Its certificate has another name; it does not know REQUIRETLS; it has no TLS.
        ("wrong.test", good, Outcome::Bounced, "5.7.30"),
        ("good.test", silent, Outcome::Bounced, "5.7.30"),
        ("good.test", plain, Outcome::Bounced, "5.7.30"),
    ] {
        let sink = Sink::start(manner).await;
        let zone = "good.test MX 1 mx.good.test\nwrong.test MX 1 mx.wrong.test\n\
                    mx.good.test A 127.0.0.1\nmx.wrong.test A 127.0.0.1";
        let config = Config {
            authorities: Some(authority.clone()),
            smtp_port: sink.address.port(),
            ..Config::default()
        };
        let system = System::start(POLICY, Some(FakeDns::start(zone).await), config).await;
        let address = format!("x@{domain}");
        let mut secret = message(1, &[&address]);
        secret.require_tls = true;
        system
            .queue
            .give(vec![secret, message(2, &[&address])])
            .await;
        let completion = system.queue.completion(1).await;
        assert_eq!(completion.outcome(), tls, "{domain}: {completion:?}");
        assert!(completion.reason.contains(status), "{completion:?}");
        // Other mail is accepted.
        let other = system.queue.completion(2).await;
        assert_eq!(other.outcome(), Outcome::Relayed, "{domain}: {other:?}");
        let taken = sink.taken();
        let secret: Vec<_> = taken
            .iter()
            .filter(|taken| taken.mail.contains("REQUIRETLS"))
            .collect();
        assert_eq!(
            secret.len(),
            usize::from(tls == Outcome::Relayed),
            "{domain}"
        );
        assert!(secret.iter().all(|taken| taken.tls));
    }
}
