//! DNS names for queries.

use hickory_resolver::proto::rr::Name;

/// RFC 1035 §2.3.4.
const MAX_LABEL: usize = 63;

/// The reason why a name cannot exist in the DNS.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Impossible {
    /// Two consecutive dots, or an empty name.
    #[error("a label of the name is empty")]
    EmptyLabel,
    /// RFC 1035 §2.3.4.
    #[error("a label of the name is longer than 63 octets")]
    LongLabel,
    /// 255 octets on the wire are 253 in text form.
    #[error("the name is longer than 253 octets")]
    Long,
}

/// The absolute name, in A-labels: search domains are not used. A label may contain any octet (RFC 2181
/// §11): a name that is invalid for hosts, for example because of an underscore, can exist in the DNS. The
/// library's own text conversion allows less.
///
/// # Errors
/// If the name cannot exist.
/// When there can be no such name.
pub fn name(text: &str) -> Result<Name, Impossible> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let labels: Vec<&[u8]> = text.split('.').map(str::as_bytes).collect();
    if labels.iter().any(|label| label.is_empty()) {
        return Err(Impossible::EmptyLabel);
    }
    if labels.iter().any(|label| label.len() > MAX_LABEL) {
        return Err(Impossible::LongLabel);
    }
    let mut name = Name::from_labels(labels).map_err(|_| Impossible::Long)?;
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
        for text in [
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
            let found = name(text).map(|name| name.iter().map(<[u8]>::to_vec).collect());
            let expected: Vec<Vec<u8>> = text.split('.').map(|label| label.into()).collect();
            assert_eq!(found, Ok(expected), "{text}");
        }
        let dotted = name("other.test.");
        assert_eq!(dotted, name("other.test"));
        assert!(dotted.is_ok_and(|name| name.is_fqdn()));
    }

    #[test]
    fn a_name_that_there_can_never_be_is_told_why() {
        let label = format!("{}.test", "a".repeat(64));
        let long = [&*"a".repeat(63); 4].join(".");
        for (text, why) in [
            ("two..test", Impossible::EmptyLabel),
            ("", Impossible::EmptyLabel),
            (&*label, Impossible::LongLabel),
            (&*long, Impossible::Long),
        ] {
            assert_eq!(name(text), Err(why), "{text}");
        }
    }
}
