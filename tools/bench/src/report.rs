//! The table that people read, and the same as JSON.

use std::collections::BTreeMap;

use crate::cases::{Case, Measurement};

/// Medians by case, figure and system.
pub(crate) struct Report {
    systems: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    case: String,
    figure: &'static str,
    medians: BTreeMap<&'static str, f64>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            systems: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Takes the runs of one case on one system.
    pub(crate) fn add(&mut self, system: &'static str, case: &Case, runs: Vec<Measurement>) {
        if !self.systems.contains(&system) {
            self.systems.push(system);
        }
        let mut figures: Vec<(&'static str, Vec<f64>)> = Vec::new();
        for (name, value) in runs.into_iter().flat_map(|run| run.0) {
            match figures.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => figures.push((name, vec![value])),
            }
        }
        for (figure, values) in figures {
            let case = case.to_string();
            let median = median(values);
            match self
                .rows
                .iter_mut()
                .find(|row| row.case == case && row.figure == figure)
            {
                Some(row) => {
                    row.medians.insert(system, median);
                }
                None => self.rows.push(Row {
                    case,
                    figure,
                    medians: BTreeMap::from([(system, median)]),
                }),
            }
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
                match row.medians.get(system) {
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
                    "medians": row.medians,
                    "ratio": row.ratio(&self.systems),
                })
            })
            .collect();
        serde_json::Value::Array(rows).to_string()
    }
}

impl Row {
    /// Ours over theirs.
    fn ratio(&self, systems: &[&'static str]) -> Option<f64> {
        let [ours, theirs] = systems else { return None };
        Some(self.medians.get(ours)? / self.medians.get(theirs)?)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
