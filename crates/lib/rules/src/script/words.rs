//! Splits a line into words.

/// The words of a line without comments. A word that begins with `<` extends to the matching `>`, one that
/// begins with `(` to the `)`; quotes keep their content together.
pub(super) fn words(line: &str) -> Result<Vec<&str>, &'static str> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let end = match rest.as_bytes().first() {
            Some(b'<') => closed(rest, '>').ok_or("a `<` has no `>`")?,
            Some(b'(') => closed(rest, ')').ok_or("a `(` has no `)`")?,
            _ => word_end(rest)?,
        };
        let (word, behind) = rest.split_at(end);
        if !behind.is_empty() && !behind.starts_with(char::is_whitespace) {
            return Err("a blank is missing behind `>` or `)`");
        }
        words.push(word);
        rest = behind.trim_start();
    }
    Ok(words)
}

/// The closing position of a bracket that opens at the start, outside quotes.
fn closed(text: &str, bracket: char) -> Option<usize> {
    let end = outside_quotes(text, |c| c == bracket)?;
    Some(end + bracket.len_utf8())
}

fn word_end(text: &str) -> Result<usize, &'static str> {
    match outside_quotes(text, char::is_whitespace) {
        Some(end) => Ok(end),
        None if quotes_open(text) => Err("a `\"` has no end"),
        None => Ok(text.len()),
    }
}

fn outside_quotes(text: &str, wanted: impl Fn(char) -> bool) -> Option<usize> {
    let mut scan = Quotes::default();
    text.char_indices()
        .find(|(_, c)| !scan.quoted(*c) && wanted(*c))
        .map(|(at, _)| at)
}

fn quotes_open(text: &str) -> bool {
    let mut scan = Quotes::default();
    for c in text.chars() {
        scan.quoted(c);
    }
    scan.open
}

/// Tracks quotes and backslashes.
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    /// Whether the next character is quoted.
    fn quoted(&mut self, c: char) -> bool {
        if self.escaped {
            self.escaped = false;
            return true;
        }
        match c {
            '"' => {
                self.open = !self.open;
                true
            }
            '\\' if self.open => {
                self.escaped = true;
                true
            }
            _ => self.open,
        }
    }
}

/// The error for an unknown word.
pub(super) fn unknown(word: &str, known: &str) -> String {
    format!("`{word}` is not known here; there can be {known}")
}
