//! What a document may say.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use rules::{CollectProtocol, Delivery, EmailAddress, GatewayTls, LeaveOnServer, Policy};

fn errors(document: &str) -> Vec<(usize, String)> {
    match Policy::parse(document) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .iter()
            .map(|error| (error.line, error.reason.clone()))
            .collect(),
    }
}

#[test]
fn the_default_document_is_valid_and_empty() {
    let policy = Policy::parse(Policy::default_document()).unwrap();
    assert!(policy.domains().is_empty());
    assert!(policy.collect_accounts().is_empty());
    assert_eq!(policy.receiving(false).max_size, 50 << 20);
    assert!(!policy.receiving(false).relay);
}

#[test]
fn a_document_has_a_longest_length() {
    let comment = |octets: usize| format!("#{}", "x".repeat(octets - 1));
    assert!(Policy::parse(&comment(Policy::LONGEST_DOCUMENT)).is_ok());
    assert_eq!(
        errors(&comment(Policy::LONGEST_DOCUMENT + 1)),
        [(
            1,
            "the document has 8388609 octets, a policy can have 8388608 (8 MiB)".to_owned()
        )]
    );
}

#[test]
fn the_default_document_says_what_an_empty_one_means() {
    let empty = Policy::parse("").unwrap();
    let default = Policy::parse(Policy::default_document()).unwrap();
    assert_eq!(empty.delivery(), default.delivery());
    assert_eq!(empty.quarantine(), default.quarantine());
    for trusted in [true, false] {
        assert_eq!(empty.receiving(trusted), default.receiving(trusted));
    }
}

/// Whatever the default document shows in a comment can be switched on.
#[test]
fn the_comments_of_the_default_document_are_valid() {
    let mut document = String::new();
    for line in Policy::default_document().lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let setting = bare.starts_with("[[") || bare.split_once(" = ").is_some();
        let bare = if setting { bare } else { line };
        // Both ways of the same rule cannot be on at once.
        if !bare.starts_with("from = ") {
            document.push_str(bare);
        }
        document.push('\n');
    }
    let policy = Policy::parse(&document).unwrap_or_else(|e| panic!("{e}\n{document}"));
    assert_eq!(policy.domains().len(), 1);
    assert_eq!(policy.collect_accounts().len(), 1);
    assert!(policy.gateway("isp").is_some());
}

#[test]
fn every_section_is_read() {
    let policy = Policy::parse(
        r#"
        [delivery]
        postmaster = "postmaster@example.test"
        remote = { gateway = "isp" }
        lifetime = "2 days"
        delay-notice = "never"
        retry-schedule = ["1 s", "1 h 30 min"]

        [quarantine]
        keep = "2 weeks"

        [[gateway]]
        name = "isp"
        hosts = ["smtp.isp.test:587", "[2001:db8::1]:2525", "192.0.2.7"]
        login = { user = "office", secret = "isp" }

        [[domain]]
        name = "Example.Test"
        aliases = ["bücher.test"]
        deliver = "mailboxes"

        [[collect]]
        name = "isp mailbox"
        server = "pop.isp.test:1100"
        protocol = "pop3"
        login = { user = "office", secret = "isp-pop" }
        every = "1 min"
        deliver = { mailbox = "Bob@example.test" }
        leave-on-server = "14 days"
        "#,
    )
    .unwrap();
    let delivery = policy.delivery();
    assert_eq!(delivery.delay_notice, None);
    assert_eq!(delivery.retry_after(1), Duration::from_secs(1));
    assert_eq!(delivery.retry_after(9), Duration::from_secs(5400));
    assert_eq!(policy.quarantine().keep, Duration::from_secs(14 * 86_400));
    let gateway = policy.gateway("isp").unwrap();
    let hosts: Vec<_> = gateway.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(
        hosts,
        ["smtp.isp.test:587", "[2001:db8::1]:2525", "192.0.2.7:25"]
    );
    assert_eq!(gateway.tls, GatewayTls::Required);
    let alias = "xn--bcher-kva.test".parse().unwrap();
    assert_eq!(policy.domain(&alias).unwrap().deliver, Delivery::Mailboxes);
    let account = &policy.collect_accounts()[0];
    assert_eq!(account.protocol, CollectProtocol::Pop3);
    assert_eq!(account.port, 1100);
    assert_eq!(
        account.deliver_to,
        EmailAddress::parse("bob@example.test").unwrap()
    );
    assert_eq!(
        account.leave_on_server,
        LeaveOnServer::For(Duration::from_secs(14 * 86_400))
    );
}

#[test]
fn broken_toml_is_refused_with_its_line() {
    let found = errors("[delivery]\nremote = direct\n");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, 2);
    assert!(found[0].1.starts_with("not valid TOML: "), "{found:?}");
}

#[test]
fn the_page_about_settings_is_up_to_date() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/policy.md");
    assert!(
        std::fs::read_to_string(page).unwrap() == rules::settings_reference(),
        "docs/policy.md is not up to date: cargo run -p rules --example settings > docs/policy.md"
    );
}
