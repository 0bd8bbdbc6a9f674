//! `make bench`: measures Postern side by side with Postfix and Dovecot on this machine.
//!
//! Both systems get the same load from the same client, on loopback, one after the other in one
//! run. Machines differ and are noisy, so the ratios count, not the figures. What is measured and
//! how is told in docs/benchmarks.md.

mod accounting;
mod cases;
mod imap;
mod load;
mod peers;
mod postern;
mod report;
mod sink;
mod system;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use crate::cases::{Case, Measurement};
use crate::report::Report;
use crate::system::System;

/// Measures accept rate, end-to-end rate, relay rate, latency, CPU and memory.
#[derive(Parser)]
struct Arguments {
    /// Messages a case.
    #[arg(long, default_value_t = 5_000)]
    messages: usize,
    /// Single messages for the latency of an idle system.
    #[arg(long, default_value_t = 200)]
    singles: usize,
    /// Sessions at a time, one case each.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50])]
    sessions: Vec<usize>,
    /// Message sizes in octets, one case each.
    #[arg(long, value_delimiter = ',', default_values_t = [4_096, 65_536])]
    sizes: Vec<usize>,
    /// Runs a case; the median is reported.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only these measurements: accept, end-to-end, relay, latency, growth, large.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Leave Postfix and Dovecot out even where they are installed.
    #[arg(long)]
    no_peers: bool,
    /// Leave Postern out: the peers' figures alone.
    #[arg(long)]
    no_postern: bool,
    /// Where the binaries are.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// Also writes the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::Builder::new()
        .prefix("postern-bench-")
        .tempdir()
        .context("no temporary folder for the systems under test")?;
    let sink = sink::Sink::start().context("the SMTP sink could not start")?;
    let mut report = Report::new();

    if !arguments.no_postern {
        let postern = postern::Postern::start(&arguments.binaries, folder.path(), sink.port())?;
        measure(&postern, &arguments, &sink, &mut report)?;
    }

    if arguments.no_peers {
        eprintln!("peers left out (--no-peers): no ratios");
    } else if let Some(missing) = peers::missing() {
        eprintln!("peers left out: {missing} is not installed; no ratios");
    } else {
        let peers = peers::Peers::start(folder.path(), sink.port())?;
        measure(&peers, &arguments, &sink, &mut report)?;
    }

    report.print();
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.to_json())
            .with_context(|| format!("the figures could not be written to {}", path.display()))?;
    }
    Ok(())
}

fn measure(
    system: &dyn System,
    arguments: &Arguments,
    sink: &sink::Sink,
    report: &mut Report,
) -> Result<()> {
    for case in Case::all(&arguments.sizes, &arguments.sessions) {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| name == case.name()) {
            continue;
        }
        if !case.fits(system) {
            continue;
        }
        let mut runs: Vec<Measurement> = Vec::new();
        let rounds = if case.repeats() { arguments.runs } else { 1 };
        for _ in 0..rounds {
            let run = case
                .run(system, sink, arguments.messages, arguments.singles)
                .with_context(|| format!("{case} on {}", system.name()))?;
            eprintln!("{} · {case} · {run}", system.name());
            runs.push(run);
        }
        report.add(system.name(), &case, runs);
    }
    Ok(())
}
