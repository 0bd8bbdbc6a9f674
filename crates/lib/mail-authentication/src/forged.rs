//! Taking out results that pretend to be ours (RFC 8601 §5).

use std::borrow::Cow;

use message::header::{Field, fields};
use rules::Domain;

use crate::header_field::MARKS;

/// The header section without `Authentication-Results` in the name of `authserv_id`, or in a name
/// that cannot be read, and without marks of ours.
#[must_use]
pub fn without_forged<'a>(header: &'a [u8], authserv_id: &str) -> Cow<'a, [u8]> {
    let ours = canonical(authserv_id);
    let forged = |field: &Field<'_>| {
        field.is(MARKS) || (field.is("Authentication-Results") && claims(field.value, &ours))
    };
    if !fields(header).any(|field| forged(&field)) {
        return Cow::Borrowed(header);
    }
    let mut kept = Vec::with_capacity(header.len());
    let mut copied = 0;
    for field in fields(header).filter(forged) {
        // A field is a part of the section: where it begins tells how much is before it.
        let start = field.raw.as_ptr() as usize - header.as_ptr() as usize;
        kept.extend_from_slice(&header[copied..start]);
        copied = start + field.raw.len();
    }
    kept.extend_from_slice(&header[copied..]);
    Cow::Owned(kept)
}

/// Whether the results are said to be of `ours`; so are those whose name cannot be read.
fn claims(value: &[u8], ours: &str) -> bool {
    let Some(name) = authserv_id(value) else {
        return true;
    };
    canonical(&name) == ours
}

fn canonical(name: &str) -> String {
    let name = name.trim_end_matches('.');
    Domain::parse(name).map_or_else(|_| name.to_lowercase(), |domain| domain.to_string())
}

/// `[CFWS] authserv-id`, where the id is a token or a quoted string (RFC 8601 §2.2).
fn authserv_id(value: &[u8]) -> Option<String> {
    let rest = skip_comments(value)?;
    let mut id = Vec::new();
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let mut octets = quoted.iter();
        loop {
            match octets.next()? {
                b'"' => break,
                b'\\' => id.push(*octets.next()?),
                b'\r' | b'\n' => {}
                octet => id.push(*octet),
            }
        }
    } else {
        let ends = |octet: &u8| octet.is_ascii_whitespace() || matches!(octet, b';' | b'(');
        id.extend(rest.iter().take_while(|octet| !ends(octet)));
    }
    let id = String::from_utf8(id).ok()?;
    (!id.trim().is_empty()).then(|| id.trim().to_owned())
}

/// White space and comments, which nest.
fn skip_comments(value: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(octet) = value.get(at) {
        match octet {
            b'\\' if depth > 0 => at += 1,
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            octet if depth > 0 || octet.is_ascii_whitespace() => {}
            _ => return value.get(at..),
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(header: &str) -> String {
        let cleaned = without_forged(header.as_bytes(), "Mail.Example.test");
        String::from_utf8(cleaned.into_owned()).unwrap_or_default()
    }

    #[test]
    fn what_claims_to_be_ours_goes_and_all_else_stays() {
        let forged = [
            "Authentication-Results: mail.example.test; spf=pass",
            "authentication-results : MAIL.example.TEST;dkim=pass",
            "Authentication-Results:mail.example.test",
            "Authentication-Results: (a (nested\\) one)) mail.example.test 1; none",
            "Authentication-Results: \"mail.exam\\ple.test\"; none",
            "Authentication-Results: mail.example.test.; none",
            "Authentication-Results:\r\n\tmail.example.test;\r\n\tspf=pass",
            "Authentication-Results:",
            "Authentication-Results: ; spf=pass",
            "Authentication-Results: (open",
            "Authentication-Results: \"open",
            "X-Postern-Marks: none",
        ];
        for field in forged {
            let header = format!("A: b\r\n{field}\r\nC: d\r\n\r\n");
            assert_eq!(cleaned(&header), "A: b\r\nC: d\r\n\r\n", "{field}");
            assert_eq!(cleaned(&format!("{field}\r\n{field}\r\n\r\n")), "\r\n");
            assert_eq!(cleaned(&format!("A: b\r\n{field}")), "A: b\r\n");
        }
        let kept = [
            "Authentication-Results: other.example.test; spf=pass",
            "Authentication-Results: mail.example.test.evil.test; spf=pass",
            "Authentication-Results: (mail.example.test) isp.test; spf=pass",
            "X-Authentication-Results: mail.example.test; spf=pass",
            "ARC-Authentication-Results: i=1; mail.example.test; spf=pass",
            "Subject: Authentication-Results: mail.example.test",
        ];
        for field in kept {
            let header = format!("A: b\r\n{field}\r\nC: d\r\n\r\n");
            assert_eq!(cleaned(&header), header);
        }
    }

    #[test]
    fn names_are_compared_as_domains() {
        let header = "Authentication-Results: M\u{fc}ller.test; spf=pass\r\n\r\n";
        let cleaned = without_forged(header.as_bytes(), "xn--mller-kva.test");
        assert_eq!(cleaned.as_ref(), b"\r\n");
    }
}
