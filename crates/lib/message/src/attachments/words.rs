//! The words of a structured field.

use crate::header::{Token, Tokens};

/// In lower case.
pub(super) fn lower(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_lowercase()
}

/// The next token that is no comment.
pub(super) fn next<'a>(tokens: &mut Tokens<'a>) -> Option<Token<'a>> {
    loop {
        match tokens.next_spaced()?.1 {
            Token::Comment(_) => {}
            token => return Some(token),
        }
    }
}
