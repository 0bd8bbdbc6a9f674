#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use super::*;
use crate::domains::OpenTo;

fn domain(name: &str) -> NewDomain {
    NewDomain {
        name: (name != "*").then(|| name.parse().unwrap()),
        aliases: Vec::new(),
        deliver: Deliver::Mailboxes,
        from: None,
        unmatched: None,
    }
}

fn remove(document: &str, name: &str) -> Result<String, EditError> {
    let name: Option<Domain> = (name != "*").then(|| name.parse().unwrap());
    remove_domain(document, name.as_ref())
}

#[test]
fn a_domain_is_added_at_the_end_of_the_default_document() {
    let before = Policy::default_document();
    let after = add_domain(before, &domain("example.test")).unwrap();
    let added = "\n[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";
    assert_eq!(after, format!("{before}{added}"));
}

#[test]
fn every_setting_is_written() {
    let mut new = domain("BÜCHER.test");
    new.aliases = vec!["a.test".parse().unwrap(), "b.test".parse().unwrap()];
    new.unmatched = Some(Unmatched::CatchAll("bob".to_owned()));
    let after = add_domain("", &new).unwrap();
    assert_eq!(
        after,
        "[[domain]]\nname = \"bücher.test\"\naliases = [\"a.test\", \"b.test\"]\n\
         deliver = \"mailboxes\"\nunmatched = { catch-all = \"bob\" }\n"
    );
    let mut relay = domain("partner.test");
    relay.deliver = Deliver::Direct;
    relay.from = Some(OpenTo::Everyone);
    let after = add_domain(&after, &relay).unwrap();
    assert!(after.ends_with(
        "\n\n[[domain]]\nname = \"partner.test\"\ndeliver = \"direct\"\nfrom = \"everyone\"\n"
    ));
}

#[test]
fn a_domain_that_is_there_is_not_added_again() {
    let document =
        "[[domain]]\nname = \"a.test\"\naliases = [\"b.test\"]\ndeliver = \"mailboxes\"\n";
    for name in ["a.test", "A.TEST", "b.test"] {
        let error = add_domain(document, &domain(name)).unwrap_err().to_string();
        assert!(
            error.contains("is handled already") && error.contains(" line 1 of the policy"),
            "{error}"
        );
    }
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_by_validation() {
    let mut new = domain("partner.test");
    new.deliver = Deliver::Gateway("isp".to_owned());
    new.from = Some(OpenTo::Trusted);
    let error = add_domain("", &new).unwrap_err().to_string();
    assert_eq!(
        error,
        "the policy would not be valid:\nline 3: there is no [[gateway]] of the name \"isp\""
    );
}

const DOCUMENT: &str = r#"# The policy.

[delivery]
lifetime = "5 days"

# The office.
# Ask Eve before changing it.
[[domain]]
name = "example.test"
deliver = "mailboxes"       # all of them

[[domain.handler]]
match = "sales"
deliver = { mailbox = "eve" }
# no more handlers

# Everything below is new.

# The shop.
[[domain]]
name = "shop.test"
aliases = ["shop.org.test"]
deliver = "mailboxes"

[[domain]]
name = "*"
deliver = "direct"
"#;

#[test]
fn a_domain_goes_with_its_handlers_and_its_own_comment() {
    let after = remove(DOCUMENT, "example.test").unwrap();
    assert_eq!(
        after,
        r#"# The policy.

[delivery]
lifetime = "5 days"

# no more handlers

# Everything below is new.

# The shop.
[[domain]]
name = "shop.test"
aliases = ["shop.org.test"]
deliver = "mailboxes"

[[domain]]
name = "*"
deliver = "direct"
"#
    );
}

#[test]
fn domains_in_the_middle_and_at_the_end_are_removed() {
    let after = remove(DOCUMENT, "shop.test").unwrap();
    assert!(after.contains("# Everything below is new.\n\n[[domain]]\nname = \"*\"\n"));
    let after = remove(DOCUMENT, "*").unwrap();
    assert!(after.ends_with("aliases = [\"shop.org.test\"]\ndeliver = \"mailboxes\"\n"));
}

#[test]
fn what_is_added_can_be_removed_without_a_trace() {
    for before in [Policy::default_document(), DOCUMENT] {
        let after = add_domain(before, &domain("new.test")).unwrap();
        assert_eq!(remove(&after, "NEW.test").unwrap(), before);
    }
}

#[test]
fn what_is_not_there_or_an_alias_is_not_removed() {
    let error = remove(DOCUMENT, "other.test").unwrap_err().to_string();
    assert!(
        error.starts_with("other.test is not in the policy"),
        "{error}"
    );
    let error = remove(DOCUMENT, "shop.org.test").unwrap_err().to_string();
    assert!(
        error.starts_with("shop.org.test is an alias of shop.test"),
        "{error}"
    );
}
