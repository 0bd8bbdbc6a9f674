//! Removes results that claim to be ours (RFC 8601 §5).

use std::borrow::Cow;

use message::header::{Field, without};
use rules::Domain;
use unicode_normalization::UnicodeNormalization as _;

use crate::header_field::MARKS;

/// The header section without `Authentication-Results` under the name `authserv_id` or under an unreadable
/// name, and without our marks.
#[must_use]
pub fn without_forged<'a>(header: &'a [u8], authserv_id: &str) -> Cow<'a, [u8]> {
    let ours = canonical(authserv_id);
    let forged = |field: &Field<'_>| {
        field.is(MARKS) || (field.is("Authentication-Results") && claims(field.value, &ours))
    };
    without(header, forged)
}

/// Whether the results claim to be from `ours` or from a name that looks like it; true for unreadable names
/// too.
fn claims(value: &[u8], ours: &str) -> bool {
    let decoded = message::decode::unstructured(value);
    [value, decoded.as_bytes()].into_iter().any(|value| {
        let names = authserv_ids(value);
        names.is_empty() || names.iter().any(|name| canonical(name) == ours)
    })
}

/// The name in a form in which similar names are equal: case, final dots, the encoding of a domain (RFC
/// 5890), compatibility characters (NFKC), invisible characters, and letters of other scripts that look
/// like Latin ones are normalised.
fn canonical(name: &str) -> String {
    let name: String = name.nfkc().flat_map(char::to_lowercase).collect();
    let name: String = name.nfkc().filter_map(look_alike).collect();
    let name = name.trim_matches('.');
    let domain = Domain::parse(name);
    let shown = domain.map_or_else(|_| name.to_owned(), |domain| domain.to_unicode());
    shown.chars().filter_map(look_alike).collect()
}

/// The Latin character that this one looks like; `None` for an invisible one.
fn look_alike(c: char) -> Option<char> {
    Some(match c {
        c if message::shown::is_command(c) || c.is_whitespace() => return None,
        '\u{ad}'
        | '\u{34f}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => return None,
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{b7}' | '\u{2027}' => '.',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' => '-',
        // Cyrillic, Greek, Armenian, and Latin letters without their dot.
        'а' | 'α' | 'ɑ' => 'a',
        'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ё' | 'ε' => 'e',
        'ɡ' | 'ց' => 'g',
        'һ' | 'հ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' | 'ϳ' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'ո' | 'п' | 'η' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        c => c,
    })
}

/// `[CFWS] authserv-id`, where the id is a token or a quoted string (RFC 8601 §2.2): the first word, and
/// the joined text before the semicolon, with and without a version. Comments may be misplaced.
fn authserv_ids(value: &[u8]) -> Vec<String> {
    let words = words(value);
    let is_version = |word: &String| word.bytes().all(|octet| octet.is_ascii_digit());
    let named = match words.split_last() {
        Some((last, rest)) if !rest.is_empty() && is_version(last) => rest,
        _ => &words,
    };
    let mut ids: Vec<String> = words.first().into_iter().cloned().collect();
    ids.extend([named.concat(), words.concat()]);
    // `mail.example.test/1`, `mail.example.test:25`
    let cut = |id: &String| id.split(['/', ':']).next().unwrap_or_default().to_owned();
    let cut: Vec<String> = ids.iter().map(cut).collect();
    ids.extend(cut);
    ids.retain(|id| !id.trim().is_empty());
    ids
}

/// The words before the first semicolon. Unclosed quotes and comments are words too.
fn words(value: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = Vec::new();
    let mut at = 0;
    let mut quoted = false;
    let mut depth = 0_usize;
    while let Some(&octet) = value.get(at) {
        at += 1;
        match octet {
            b'\\' if quoted || depth > 0 => {
                if let (Some(&escaped), true) = (value.get(at), depth == 0) {
                    word.push(escaped);
                }
                at += 1;
            }
            b'(' if !quoted => {
                depth += 1;
                words.push(std::mem::take(&mut word));
            }
            b')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            b'"' => quoted = !quoted,
            b';' if !quoted => break,
            octet if octet.is_ascii_whitespace() && !quoted => {
                words.push(std::mem::take(&mut word));
            }
            b'\r' | b'\n' => {}
            octet => word.push(octet),
        }
    }
    if quoted || depth > 0 {
        return Vec::new();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    let text = |word: Vec<u8>| String::from_utf8(word).ok();
    words
        .into_iter()
        .map(text)
        .collect::<Option<_>>()
        .unwrap_or_default()
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
            "Authentication-Results: mail.(c)example.test; spf=pass",
            "Authentication-Results: mail . example . test; spf=pass",
            "Authentication-Results: \"mail\".example.test 1; spf=pass",
            "Authentication-Results: mail.example.test/1; spf=pass",
            "Authentication-Results: mail.example.test..; spf=pass",
            "Authentication-Results: .mail.example.test; spf=pass",
            "Authentication-Results: m\u{ff41}il\u{ff0e}example\u{3002}test; spf=pass",
            "Authentication-Results: m\u{430}il.ex\u{430}mple.test; spf=pass",
            "Authentication-Results: xn--mil-6cd.example.test; spf=pass",
            "Authentication-Results: mail.exam\u{200b}ple.t\u{ad}est; spf=pass",
            "Authentication-Results: mail.exam\u{202e}ple.test; spf=pass",
            "Authentication-Results: =?utf-8?q?mail=2Eexample=2Etest?=; spf=pass",
            "Authentication-Results: \u{1d5c6}ail.example.test; spf=pass",
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
            "Authentication-Results: mail.example.test.isp.test (mail.example.test); spf=pass",
            "Authentication-Results: isp.test; spf=pass smtp.helo=mail.example.test",
            "Authentication-Results: mail2.example.test 1; spf=pass",
            "Authentication-Results: m\u{e4}il.example.test; spf=pass",
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
