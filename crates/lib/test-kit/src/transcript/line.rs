//! One line of a transcript.

/// The action of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Send(Vec<u8>),
    Expect { pattern: String, ended: bool },
    Event(String),
}

impl Line {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (tag, text) = line.split_at_checked(2)?;
        let text = text.strip_prefix(' ').unwrap_or(text);
        match tag {
            "C:" => {
                let mut bytes = unescape(text)?;
                bytes.extend_from_slice(b"\r\n");
                Some(Self::Send(bytes))
            }
            "C-" => Some(Self::Send(unescape(text)?)),
            "S:" => Some(Self::Expect {
                pattern: text.to_owned(),
                ended: true,
            }),
            "S~" => Some(Self::Expect {
                pattern: text.to_owned(),
                ended: false,
            }),
            "X:" => Some(Self::Event(text.to_owned())),
            _ => None,
        }
    }
}

/// Whether `line` matches the pattern, in which `…` is any run of bytes.
pub(super) fn matches_line(pattern: &str, line: &[u8]) -> bool {
    let mut parts = pattern
        .split('…')
        .map(|part| unescape(part).expect("valid escapes"));
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first.as_slice()) else {
        return false;
    };
    let mut parts: Vec<Vec<u8>> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in &parts {
        let Some(at) = find(rest, part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(&last)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let (&escape, after) = after.split_first()?;
        rest = after;
        bytes.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}
