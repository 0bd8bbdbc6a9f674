#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
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
fn texts_that_begin_and_end_are_shown_from_nothing() {
    assert_eq!(
        diff("", "a\nb\n"),
        "--- old\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b\n"
    );
    assert_eq!(diff("a\n", ""), "--- old\n+++ new\n@@ -1 +0,0 @@\n-a\n");
}

/// Applies the comparison: what was kept and removed is the old text, what was kept and added the
/// new one.
fn check(old: &[&str], new: &[&str]) -> usize {
    let lines = compare(old, new);
    let side = |keep: fn(&Line<'_>) -> bool| -> Vec<&str> {
        let kept = lines.iter().filter(|line| keep(line));
        kept.map(|line| match line {
            Line::Same(text) | Line::Old(text) | Line::New(text) => *text,
        })
        .collect()
    };
    assert_eq!(side(|line| !matches!(line, Line::New(_))), old);
    assert_eq!(side(|line| !matches!(line, Line::Old(_))), new);
    let changed = lines.iter().filter(|line| !matches!(line, Line::Same(_)));
    changed.count()
}

/// The length of the shortest edit, by the textbook's table.
fn shortest(old: &[&str], new: &[&str]) -> usize {
    let mut table = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for (i, a) in old.iter().enumerate() {
        for (j, b) in new.iter().enumerate() {
            table[i + 1][j + 1] = if a == b {
                table[i][j] + 1
            } else {
                table[i][j + 1].max(table[i + 1][j])
            };
        }
    }
    old.len() + new.len() - 2 * table[old.len()][new.len()]
}

#[test]
fn every_edit_is_right_and_shortest() {
    let words = ["a", "b", "c"];
    // A small generator, so that the cases are the same on every run.
    let mut state = 9_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for _ in 0..3000 {
        let mut text = || -> Vec<&str> {
            let length = random(9);
            (0..length).map(|_| words[random(3)]).collect()
        };
        let (old, new) = (text(), text());
        assert_eq!(check(&old, &new), shortest(&old, &new), "{old:?} {new:?}");
    }
}

#[test]
fn texts_with_nothing_in_common_are_replaced_as_a_whole() {
    let old: Vec<String> = (0..5000).map(|n| format!("old {n}")).collect();
    let new: Vec<String> = (0..5000).map(|n| format!("new {n}")).collect();
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    assert_eq!(check(&old, &new), 10_000);
}
