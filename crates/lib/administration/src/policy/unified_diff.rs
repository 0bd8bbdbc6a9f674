//! The difference of two texts, line by line, as `diff -u` writes it.

use std::time::Duration;

use similar::TextDiff;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Time limit of the comparison; the rest is then shown as replaced.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The unified difference; empty when the texts are equal.
pub(super) fn unified_diff(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    let compared = TextDiff::configure().timeout(TIMEOUT).diff_lines(old, new);
    let mut diff = compared.unified_diff();
    diff.context_radius(CONTEXT).header(old_name, new_name);
    diff.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> String {
        unified_diff("old", "new", old, new)
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff("", ""), "");
        assert_eq!(diff("a\nb\n", "a\nb\n"), "");
    }

    #[test]
    fn a_changed_line_is_shown_with_three_lines_around_it() {
        assert_eq!(
            diff(
                "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
                "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"
            ),
            "--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn changes_far_apart_stand_apart() {
        let old: String = (1..=30).map(|n| format!("{n}\n")).collect();
        let new = old.replacen("2\n", "", 1).replace("29\n", "29\n29a\n");
        assert_eq!(
            diff(&old, &new),
            "--- old\n+++ new\n\
             @@ -1,5 +1,4 @@\n 1\n-2\n 3\n 4\n 5\n\
             @@ -27,4 +26,5 @@\n 27\n 28\n 29\n+29a\n 30\n"
        );
    }

    #[test]
    fn a_text_that_begins_or_ends_is_shown_from_nothing() {
        assert_eq!(
            diff("", "a\nb\n"),
            "--- old\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b\n"
        );
        assert_eq!(diff("a\n", ""), "--- old\n+++ new\n@@ -1 +0,0 @@\n-a\n");
    }
}
