//! Ranges of numbers.
//!
//! The range is declared with the key's type: `#[schemars(range(min = 1))]`. The reference shows it, and
//! every process checks its own keys and the shared ones against it.

use figment::value::{Dict, Value};

use super::problem::Problem;
use super::walk::given;
use super::{Key, Reference};

/// Values of the keys of `reference` that are out of range.
pub(super) fn out_of_range(values: &Dict, reference: &Reference) -> Vec<Problem> {
    let mut problems = Vec::new();
    for key in &reference.keys {
        for given in given(values, reference, key) {
            // A value that is no number is reported elsewhere.
            if let Some(number) = whole(given.value)
                && !holds(key, number)
            {
                let text = format!("`{number}` cannot be used: a whole number, {}", key.range());
                problems.push(Problem::new(&given.path, text));
            }
        }
    }
    problems
}

/// Numbers in TOML are signed, those in variables are not.
fn whole(value: &Value) -> Option<u128> {
    let signed = || u128::try_from(value.to_i128()?).ok();
    value.to_u128().or_else(signed)
}

fn holds(key: &Key, number: u128) -> bool {
    number >= key.least.into() && key.most.is_none_or(|most| number <= most.into())
}
