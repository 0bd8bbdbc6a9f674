//! Conversion of values to types, reporting all errors and not only the first.

use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Keys in each process's section that this crate reads.
pub(super) const KITS_KEYS: [&str; 4] = ["drain-delay-seconds", "health", "metrics", "threads"];

/// Maximum number of reported errors.
const MANY: usize = 50;

/// Reads a table. After an error the wrong value is removed, and the rest is read again.
pub(super) fn all<T: DeserializeOwned>(
    mut table: Dict,
    above: &[&str],
    also: &[&str],
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let mut left_out: Vec<Vec<String>> = Vec::new();
    for _ in 0..MANY {
        let error = match Value::from(table.clone()).deserialize::<T>() {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let problem = Problem::of(above, error, also);
        let path = problem.path.get(above.len()..).unwrap_or_default().to_vec();
        // The removal of a wrong value can make a key missing: that is not reported again.
        if !left_out.contains(&path) {
            problems.push(problem);
        }
        if !leave_out(&mut table, &path) {
            return None;
        }
        left_out.push(path);
    }
    None
}

/// Whether there was something to remove.
fn leave_out(table: &mut Dict, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    if rest.is_empty() {
        return table.remove(first).is_some();
    }
    table
        .get_mut(first)
        .is_some_and(|value| leave_out_of(value, rest))
}

fn leave_out_of(value: &mut Value, path: &[String]) -> bool {
    match value {
        Value::Dict(_, table) => leave_out(table, path),
        Value::Array(_, items) => {
            let Some((index, rest)) = path.split_first() else {
                return false;
            };
            let Some(item) = index
                .parse()
                .ok()
                .filter(|&index: &usize| index < items.len())
            else {
                return false;
            };
            // The other items keep their positions, so that they are found in the file.
            if rest.is_empty() {
                items.truncate(item);
                return true;
            }
            leave_out_of(&mut items[item], rest)
        }
        _ => false,
    }
}
