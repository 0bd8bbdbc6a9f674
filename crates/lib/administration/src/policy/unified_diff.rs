//! The difference of two texts, line by line, as `diff -u` writes it.

use std::fmt::Write;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Texts that differ in more lines are shown as completely replaced: the cost of the search is quadratic in
/// this number.
const MOST_DIFFERENCES: usize = 2000;

/// One line of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// The unified diff; empty if the texts are equal.
pub(super) fn unified_diff(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let lines = compare(&old, &new);
    let mut text = String::new();
    for hunk in hunks(&lines) {
        if text.is_empty() {
            text = format!("--- {old_name}\n+++ {new_name}\n");
        }
        write_hunk(&mut text, &lines, hunk);
    }
    text
}

/// The line ranges of the changes with their context.
fn hunks(lines: &[Line<'_>]) -> Vec<(usize, usize)> {
    let mut hunks: Vec<(usize, usize)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if matches!(line, Line::Same(_)) {
            continue;
        }
        let (from, to) = (
            index.saturating_sub(CONTEXT),
            (index + CONTEXT + 1).min(lines.len()),
        );
        match hunks.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => hunks.push((from, to)),
        }
    }
    hunks
}

fn write_hunk(text: &mut String, lines: &[Line<'_>], (from, to): (usize, usize)) {
    let count = |lines: &[Line<'_>]| {
        let old = lines.iter().filter(|l| !matches!(l, Line::New(_))).count();
        let new = lines.iter().filter(|l| !matches!(l, Line::Old(_))).count();
        (old, new)
    };
    let (before, hunk) = (&lines[..from], &lines[from..to]);
    let ((old_before, new_before), (old, new)) = (count(before), count(hunk));
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "@@ -{} +{} @@",
        range(old_before, old),
        range(new_before, new)
    );
    for line in hunk {
        let _ = match line {
            Line::Same(line) => writeln!(text, " {line}"),
            Line::Old(line) => writeln!(text, "-{line}"),
            Line::New(line) => writeln!(text, "+{line}"),
        };
    }
}

/// An empty range names the line before it.
fn range(before: usize, count: usize) -> String {
    match count {
        0 => format!("{before},0"),
        1 => format!("{}", before + 1),
        _ => format!("{},{count}", before + 1),
    }
}

/// Myers' greedy search for the shortest edit, after removing the common start and end.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[front..], &new[front..]);
    let back = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let old_middle = &old_rest[..old_rest.len() - back];
    let new_middle = &new_rest[..new_rest.len() - back];
    let mut lines: Vec<Line<'a>> = old[..front].iter().map(|l| Line::Same(l)).collect();
    match shortest_edit(old_middle, new_middle) {
        Some(middle) => lines.extend(middle),
        None => {
            lines.extend(old_middle.iter().map(|l| Line::Old(l)));
            lines.extend(new_middle.iter().map(|l| Line::New(l)));
        }
    }
    lines.extend(old[old.len() - back..].iter().map(|l| Line::Same(l)));
    lines
}

fn shortest_edit<'a>(old: &[&'a str], new: &[&'a str]) -> Option<Vec<Line<'a>>> {
    let (n, m) = (old.len(), new.len());
    let most = (n + m).min(MOST_DIFFERENCES);
    // furthest[k + offset]: the furthest position in `old` on the diagonal k = x - y.
    let offset = most + 1;
    let mut furthest = vec![0_usize; 2 * most + 3];
    let mut trace = Vec::new();
    for d in 0..=most {
        trace.push(furthest[offset - d..=offset + d].to_vec());
        for k in (offset - d..=offset + d).step_by(2) {
            let down = k == offset - d || (k != offset + d && furthest[k - 1] < furthest[k + 1]);
            let mut x = if down {
                furthest[k + 1]
            } else {
                furthest[k - 1] + 1
            };
            // y = x - (k - offset), which is never negative on a path.
            let Some(mut y) = (x + offset).checked_sub(k) else {
                continue;
            };
            while x < n && y < m && old[x] == new[y] {
                x += 1;
                y += 1;
            }
            furthest[k] = x;
            if x >= n && y >= m {
                return Some(backtrack(old, new, &trace));
            }
        }
    }
    None
}

/// Walks the recorded rounds backwards from the ends of both texts.
fn backtrack<'a>(old: &[&'a str], new: &[&'a str], trace: &[Vec<usize>]) -> Vec<Line<'a>> {
    let (mut x, mut y) = (old.len(), new.len());
    let mut lines = Vec::new();
    for (d, furthest) in trace.iter().enumerate().rev() {
        if d == 0 {
            break;
        }
        // `furthest` holds the diagonals -d..=d as they were before round d.
        let k = x + d - y;
        let down = k == 0 || (k != 2 * d && furthest[k - 1] < furthest[k + 1]);
        let previous = if down { k + 1 } else { k - 1 };
        let previous_x = furthest[previous];
        let previous_y = previous_x + d - previous;
        while x > previous_x && y > previous_y {
            x -= 1;
            y -= 1;
            lines.push(Line::Same(old[x]));
        }
        if down {
            y -= 1;
            lines.push(Line::New(new[y]));
        } else {
            x -= 1;
            lines.push(Line::Old(old[x]));
        }
        (x, y) = (previous_x, previous_y);
    }
    while x > 0 {
        x -= 1;
        lines.push(Line::Same(old[x]));
    }
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests;
