//! `--limit`: the maximum number of entries in a list.

/// At least one: an empty list looks like a search without results.
pub(super) fn limit(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 can be shown".to_owned()),
        Ok(limit) => Ok(limit),
        Err(_) => Err("give a number, such as 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_none_is_refused() {
        assert_eq!(limit("7"), Ok(7));
        for text in ["0", "-1", "many"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
