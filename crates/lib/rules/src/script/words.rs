//! A line as words.

/// Words of a line, comments taken away. A word that begins with `<` goes on to the `>` behind it,
/// one that begins with `(` to the `)`; quotes hold what stands in them together.
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

/// Where a bracket that opens at the start closes, outside of quotes.
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

/// Follows quotes and the backslashes in them.
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    /// Whether the next character belongs to something quoted.
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

/// Why a word is not understood.
pub(super) fn unknown(word: &str, known: &str) -> String {
    format!("`{word}` is not known here; there can be {known}")
}
