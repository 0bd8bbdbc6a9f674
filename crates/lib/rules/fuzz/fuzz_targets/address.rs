//! Paths, addresses, domains and the other values that policies and peers write: what is taken is canonical, so that
//! written out it is taken as the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rules::{Domain, EmailAddress, ForwardPath, Host, Network, Pattern, ReversePath};

fuzz_target!(|text: &str| {
    if let Ok(address) = EmailAddress::parse(text) {
        check(&address);
        assert_eq!(
            ForwardPath::parse(text),
            Ok(ForwardPath::Address(address.clone()))
        );
        assert_eq!(ReversePath::parse(text), Ok(ReversePath::Address(address)));
    }
    if let Ok(ForwardPath::Address(address)) = ForwardPath::parse(text) {
        check(&address);
    }
    if let Ok(path) = ReversePath::parse(text) {
        assert_eq!(path.is_null(), path.address().is_none());
        assert_eq!(ReversePath::parse(&format!("<{path}>")), Ok(path));
    }
    if let Ok(domain) = Domain::parse(text) {
        assert!(
            domain.as_str().is_ascii()
                && !domain
                    .as_str()
                    .bytes()
                    .any(|octet| octet.is_ascii_uppercase())
        );
        assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
        domain.to_unicode();
    }
    if let Ok(network) = text.parse::<Network>() {
        assert!(network.contains(network.address()));
    }
    let _ = rules::parse_size(text).map(rules::format_size);
    let _ = rules::parse_duration(text).map(rules::format_duration);
    // A pattern over names, and a name.
    let (pattern, name) = text.split_once('\n').unwrap_or((text, text));
    let (pattern, is_same) = (Pattern::new(pattern), pattern == name);
    let matches = pattern.matches(name);
    assert!(matches || !is_same);
    if pattern.is_exact() {
        assert_eq!(matches, pattern.as_str() == name.to_lowercase());
    }
});

fn check(address: &EmailAddress) {
    let text = address.to_string();
    assert!(!text.chars().any(char::is_control));
    assert_eq!(EmailAddress::parse(&text).as_ref(), Ok(address));
    assert_eq!(
        Host::parse(&address.host().to_string()).as_ref(),
        Ok(address.host())
    );
    let user = address.folded();
    assert_eq!(user.folded(), user);
    assert_eq!(user.host(), address.host());
}
