//! The host name.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

/// Octets of a name (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A host name (RFC 1123 §2.1), used in greetings, trace fields and Message-IDs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostName(String);

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let refused = |why: &str| {
            // Escaped, since the text may contain control characters.
            let shown = name.escape_default();
            Err(format!(
                "`{shown}` is no host name: {why}; write it such as mail.example.org"
            ))
        };
        if !name.is_ascii() {
            return refused("it is not ASCII (use the form that begins with xn--)");
        }
        if name.is_empty() || name.len() > LONGEST_NAME {
            return refused("a name has 1 to 253 octets");
        }
        if !name.split('.').all(is_label) {
            return refused(
                "each part has 1 to 63 letters, digits and hyphens, and neither begins nor ends with a hyphen",
            );
        }
        if name
            .bytes()
            .all(|octet| octet.is_ascii_digit() || octet == b'.')
        {
            return refused("it is an address or a number");
        }
        Ok(Self(name))
    }
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for HostName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HostName".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_letters_digits_and_hyphens_between_dots() {
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(61));
        for name in [
            "vm",
            "mail.example.org",
            "MX-1.example.org",
            "1.x",
            "xn--bro-hoa.test",
            &longest,
        ] {
            assert_eq!(
                HostName::try_from(name.to_owned()).map(|name| name.to_string()),
                Ok(name.to_owned())
            );
        }
        let long = "a".repeat(64);
        for name in [
            "",
            ".",
            "mail.example.org.",
            "mail..example.org",
            "bad name!\r\nX-Evil: 1",
            "mail_1.example.org",
            "-a.test",
            "a-.test",
            "büro.test",
            "192.0.2.1",
            "[192.0.2.1]",
            "2001:db8::1",
            &long,
            &format!("{longest}a"),
        ] {
            let refused = HostName::try_from(name.to_owned());
            let why = refused.expect_err(name);
            assert!(!why.contains(char::is_control), "{why}");
        }
    }
}
