//! Case folding: texts that differ only in case fold to the same text.
//!
//! It works character by character, so that a text can be folded in pieces.

/// The folded text.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Appends the folded text.
pub(super) fn fold_into(text: &str, folded: &mut String) {
    if text.is_ascii() {
        let start = folded.len();
        folded.push_str(text);
        folded[start..].make_ascii_lowercase();
        return;
    }
    for character in text.chars() {
        match character {
            // The final sigma is the only lower-case letter whose form depends on its position.
            'ς' => folded.push('σ'),
            _ => folded.extend(character.to_lowercase()),
        }
    }
}
