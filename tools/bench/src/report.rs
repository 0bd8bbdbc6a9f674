//! The table for people, and the same as JSON.

use std::collections::BTreeMap;

use crate::cases::{Case, Measurement};

/// The runs by case, figure and system.
pub(crate) struct Report {
    systems: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    case: String,
    figure: &'static str,
    /// One value for each run.
    values: BTreeMap<&'static str, Vec<f64>>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            systems: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds one run of a case on a system.
    pub(crate) fn add(&mut self, system: &'static str, case: &Case, run: Measurement) {
        if !self.systems.contains(&system) {
            self.systems.push(system);
        }
        let case = case.to_string();
        for (figure, value) in run.0 {
            let known = |row: &Row| row.case == case && row.figure == figure;
            let place = match self.rows.iter().position(known) {
                Some(place) => place,
                None => {
                    self.rows.push(Row {
                        case: case.clone(),
                        figure,
                        values: BTreeMap::new(),
                    });
                    self.rows.len() - 1
                }
            };
            self.rows[place]
                .values
                .entry(system)
                .or_default()
                .push(value);
        }
    }

    /// Prints a Markdown table, ready for docs/benchmarks.md.
    #[allow(clippy::print_stdout)] // The table is this program's output.
    pub(crate) fn print(&self) {
        print!("| case | figure |");
        for system in &self.systems {
            print!(" {system} |");
        }
        println!(
            "{}",
            if self.systems.len() == 2 {
                " ratio |"
            } else {
                ""
            }
        );
        let columns = 2 + self.systems.len() + usize::from(self.systems.len() == 2);
        println!("|{}", " --- |".repeat(columns));
        for row in &self.rows {
            print!("| {} | {} |", row.case, row.figure);
            for system in &self.systems {
                match row.median(system) {
                    Some(value) => print!(" {value:.2} |"),
                    None => print!(" – |"),
                }
            }
            match row.ratio(&self.systems) {
                Some(ratio) => println!(" {ratio:.2} |"),
                None if self.systems.len() == 2 => println!(" – |"),
                None => println!(),
            }
        }
    }

    /// The same as JSON: a list of rows.
    pub(crate) fn to_json(&self) -> String {
        let rows: Vec<serde_json::Value> = self
            .rows
            .iter()
            .map(|row| {
                serde_json::json!({
                    "case": row.case,
                    "figure": row.figure,
                    "runs": row.values,
                    "ratio": row.ratio(&self.systems),
                })
            })
            .collect();
        serde_json::Value::Array(rows).to_string()
    }
}

impl Row {
    /// Our value divided by theirs.
    fn ratio(&self, systems: &[&'static str]) -> Option<f64> {
        let [ours, theirs] = systems else { return None };
        Some(self.median(ours)? / self.median(theirs)?)
    }

    fn median(&self, system: &str) -> Option<f64> {
        let mut values = self.values.get(system)?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}
