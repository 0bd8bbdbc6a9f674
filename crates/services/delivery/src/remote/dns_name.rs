//! A name as the DNS is asked for it. Pure.

use hickory_resolver::proto::rr::Name;

use crate::work::Failure;

/// RFC 1035 §2.3.4.
const MAX_LABEL: usize = 63;

/// The name as it stands, without search domains and with whatever its labels hold: the DNS takes any
/// octet (RFC 2181 §11), underscores among them. Fails for good where there can be no such name.
pub(super) fn dns_name(text: &str) -> Result<Name, Failure> {
    let never = |why: &str| {
        let reason = format!("There can be no domain {text}: {why}.");
        Failure::permanent("5.1.2", reason)
    };
    let labels: Vec<&[u8]> = text
        .strip_suffix('.')
        .unwrap_or(text)
        .split('.')
        .map(str::as_bytes)
        .collect();
    if labels.iter().any(|label| label.is_empty()) {
        return Err(never("a label of its name is empty"));
    }
    if labels.iter().any(|label| label.len() > MAX_LABEL) {
        return Err(never("a label of its name is longer than 63 octets"));
    }
    let name = Name::from_labels(labels);
    let mut name = name.map_err(|_| never("its name is longer than 253 octets"))?;
    name.set_fqdn(true);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_that_there_can_be_is_asked_for_as_it_stands() {
        let long = "a".repeat(63);
        let longest = [&*long, &long, &long, &"a".repeat(61)].join(".");
        for name in [
            "under_score.test",
            "_dmarc.test",
            "under_.test_.test",
            "123.test",
            "123",
            "-hyphen-.test",
            "xn--bcher-kva.test",
            "xn--not-punycode-\u{fc}.test",
            &longest,
        ] {
            let found = dns_name(name).map(|name| name.iter().map(<[u8]>::to_vec).collect());
            let expected: Vec<Vec<u8>> = name.split('.').map(|label| label.into()).collect();
            assert_eq!(found, Ok(expected), "{name}");
        }
        let dotted = dns_name("other.test.");
        assert_eq!(dotted, dns_name("other.test"));
        assert!(dotted.is_ok_and(|name| name.is_fqdn()));
    }

    #[test]
    fn a_name_that_there_can_never_be_fails_for_good_and_says_why() {
        let label = format!("{}.test", "a".repeat(64));
        let long = [&*"a".repeat(63); 4].join(".");
        for (name, why) in [
            ("two..test", "is empty"),
            ("", "is empty"),
            (&*label, "longer than 63 octets"),
            (&*long, "longer than 253 octets"),
        ] {
            let failure = dns_name(name).err();
            let failure = failure.filter(|failure| failure.permanent && failure.status == "5.1.2");
            let reason = failure.map(|failure| failure.reason);
            assert!(reason.is_some_and(|reason| reason.contains(why)), "{name}");
        }
    }
}
