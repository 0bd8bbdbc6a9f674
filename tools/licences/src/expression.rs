//! SPDX licence expressions: names with `AND`, `OR` (before 2018 a slash), `WITH` and parentheses.

use std::iter::Peekable;
use std::vec::IntoIter;

/// Whether the expression is satisfied: one alternative of an `OR`, all parts of an `AND`.
pub(crate) fn holds(
    expression: &str,
    allowed: &dyn Fn(&str) -> bool,
) -> Result<bool, &'static str> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    let mut words = words.into_iter().peekable();
    let holds = alternatives(&mut words, allowed)?;
    match words.next() {
        None => Ok(holds),
        Some(_) => Err("it goes on behind its end"),
    }
}

type Words = Peekable<IntoIter<String>>;

fn alternatives(words: &mut Words, allowed: &dyn Fn(&str) -> bool) -> Result<bool, &'static str> {
    let mut holds = additions(words, allowed)?;
    while words.next_if(|word| word == "OR").is_some() {
        holds |= additions(words, allowed)?;
    }
    Ok(holds)
}

fn additions(words: &mut Words, allowed: &dyn Fn(&str) -> bool) -> Result<bool, &'static str> {
    let mut holds = one(words, allowed)?;
    while words.next_if(|word| word == "AND").is_some() {
        holds &= one(words, allowed)?;
    }
    Ok(holds)
}

fn one(words: &mut Words, allowed: &dyn Fn(&str) -> bool) -> Result<bool, &'static str> {
    let word = words.next().ok_or("a licence is missing")?;
    if word == "(" {
        let holds = alternatives(words, allowed)?;
        return match words.next().as_deref() {
            Some(")") => Ok(holds),
            _ => Err("a parenthesis is not closed"),
        };
    }
    if [")", "AND", "OR", "WITH"].contains(&word.as_str()) {
        return Err("a licence is missing");
    }
    if words.next_if(|word| word == "WITH").is_none() {
        return Ok(allowed(&word));
    }
    let exception = words.next().ok_or("an exception is missing")?;
    Ok(allowed(&format!("{word} WITH {exception}")))
}
