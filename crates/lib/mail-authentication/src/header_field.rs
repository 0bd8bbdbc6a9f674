//! Writes `Authentication-Results` (RFC 8601 §2.2) and the marks.

use crate::findings::{Findings, Reported};

/// Lists the rules that mark an accepted message.
pub const MARKS: &str = "X-Postern-Marks";

/// Maximum octets of one value from the message or the DNS.
const MAX_VALUE: usize = 255;

impl Findings {
    /// The header field, with its line break.
    #[must_use]
    pub fn header_field(&self, authserv_id: &str) -> String {
        let mut field = format!("Authentication-Results: {}", value(authserv_id));
        if self.results.is_empty() {
            field.push_str("; none");
        }
        for reported in &self.results {
            field.push_str(";\r\n\t");
            write(&mut field, reported);
        }
        field.push_str("\r\n");
        field
    }
}

/// The field of the marks, with its line break; empty without marks.
#[must_use]
pub fn marks(marks: &[&'static str]) -> String {
    if marks.is_empty() {
        return String::new();
    }
    format!("{MARKS}: {}\r\n", marks.join(", "))
}

fn write(field: &mut String, reported: &Reported) {
    field.push_str(reported.method.as_str());
    field.push('=');
    field.push_str(reported.result.as_str());
    if let Some(reason) = reported.reason {
        field.push_str(&format!(" reason=\"{reason}\""));
    }
    for (property, text) in reported
        .properties
        .iter()
        .filter(|(_, text)| !text.is_empty())
    {
        field.push_str(&format!(" {property}={}", value(text)));
    }
}

/// A token as it is, anything else as a quoted string (RFC 2045 §5.1). The text comes from outside, and
/// must not end the field or begin another result.
fn value(text: &str) -> String {
    let token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    if !text.is_empty() && text.len() <= MAX_VALUE && text.chars().all(token) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars().filter(|c| !c.is_control()) {
        if quoted.len() >= MAX_VALUE {
            break;
        }
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(if character.is_ascii() { character } else { '?' });
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use rules::AuthenticationResult as R;

    use super::*;
    use crate::findings::Method;

    #[test]
    fn results_are_written_one_a_line() {
        let findings = Findings {
            results: vec![
                Reported::new(Method::Iprev, R::Pass, "").with("policy.iprev", "2001:db8::1"),
                Reported::new(Method::Spf, R::SoftFail, "").with("smtp.mailfrom", "client.test"),
                Reported::new(Method::Dkim, R::Fail, "")
                    .because(Some("the text was changed"))
                    .with("header.d", "client.test"),
            ],
            ..Findings::default()
        };
        assert_eq!(
            findings.header_field("mail.example.test"),
            "Authentication-Results: mail.example.test;\r\n\
             \tiprev=pass policy.iprev=\"2001:db8::1\";\r\n\
             \tspf=softfail smtp.mailfrom=client.test;\r\n\
             \tdkim=fail reason=\"the text was changed\" header.d=client.test\r\n"
        );
        assert_eq!(
            Findings::default().header_field("mail.example.test"),
            "Authentication-Results: mail.example.test; none\r\n"
        );
    }

    #[test]
    fn a_value_from_outside_stays_one_value() {
        for (text, written) in [
            ("plain.test", "plain.test"),
            ("", "\"\""),
            ("a; dkim=pass", "\"a; dkim=pass\""),
            ("a\r\nX: y", "\"aX: y\""),
            ("a\"; b\\", "\"a\\\"; b\\\\\""),
            ("m\u{fc}ller", "\"m?ller\""),
        ] {
            assert_eq!(value(text), written);
        }
        assert!(value(&"\"".repeat(1000)).len() < 300);
    }

    #[test]
    fn marks_are_named() {
        assert_eq!(marks(&[]), "");
        assert_eq!(
            marks(&["spf-softfail", "dkim-none"]),
            "X-Postern-Marks: spf-softfail, dkim-none\r\n"
        );
    }
}
