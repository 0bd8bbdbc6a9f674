//! `make bench`: measures Postern side by side with Postfix and Dovecot on this machine.
//!
//! Both systems get the same load from the same client, over loopback, in turns. Machines differ and are
//! noisy, so the ratios count, not the figures. docs/benchmarks.md describes the measurements.

mod accounting;
mod cases;
mod crowd;
mod imap;
mod load;
mod peers;
mod postern;
mod report;
mod senders;
mod sink;
mod system;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Parser;

use crate::cases::Case;
use crate::report::Report;
use crate::system::Installation;

/// Measures accept rate, end-to-end rate, relay rate, latency, CPU and memory.
#[derive(Parser)]
struct Arguments {
    /// Messages a case.
    #[arg(long, default_value_t = 5_000)]
    messages: usize,
    /// Single messages for the latency of an idle system.
    #[arg(long, default_value_t = 50)]
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
    /// Only these measurements: accept, checks, end-to-end, relay, latency, segments, growth, large,
    /// idle, active, slow, silent, files, reads, full.
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
    allow_many_files();
    let folder = tempfile::Builder::new()
        .prefix("postern-bench-")
        .tempdir()
        .context("no temporary folder for the systems under test")?;
    let sink = sink::Sink::start().context("the SMTP sink could not start")?;
    let senders = senders::Senders::start()?;
    let mut report = Report::new();

    let mut systems: Vec<Box<dyn Installation>> = Vec::new();
    if !arguments.no_postern {
        let postern = postern::Postern::install(
            &arguments.binaries,
            folder.path(),
            sink.port(),
            senders.name_server(),
        )?;
        systems.push(Box::new(postern));
    }
    if arguments.no_peers {
        eprintln!("peers left out (--no-peers): no ratios");
    } else if let Some(missing) = peers::missing() {
        eprintln!("peers left out: {missing} is not installed; no ratios");
    } else {
        let peers = peers::Peers::install(folder.path(), sink.port())?;
        systems.push(Box::new(peers));
    }
    clean_up_when_interrupted(&systems, folder.path());
    measure(&systems, &arguments, &sink, &senders, &mut report)?;

    report.print();
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.to_json())
            .with_context(|| format!("the figures could not be written to {}", path.display()))?;
    }
    Ok(())
}

/// Each connection needs a descriptor; the default limit is 1,024.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        eprintln!("the limit of open files was not raised: {error}");
    }
}

/// Removes servers and files after Ctrl-C.
fn clean_up_when_interrupted(systems: &[Box<dyn Installation>], folder: &Path) {
    let stops: Vec<_> = systems.iter().map(|system| system.interrupted()).collect();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        let interrupted = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .and_then(|runtime| runtime.block_on(tokio::signal::ctrl_c()));
        if interrupted.is_ok() {
            stops.iter().for_each(|stop| stop());
            let _ = std::fs::remove_dir_all(&folder);
            std::process::exit(130);
        }
    });
}

/// The systems alternate within each case, so that changes of the machine's speed affect both; each runs
/// alone.
fn measure(
    systems: &[Box<dyn Installation>],
    arguments: &Arguments,
    sink: &sink::Sink,
    senders: &senders::Senders,
    report: &mut Report,
) -> Result<()> {
    let means = cases::Means {
        sink,
        senders,
        messages: arguments.messages,
        singles: arguments.singles,
    };
    for case in Case::all(&arguments.sizes, &arguments.sessions) {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| name == case.name()) {
            continue;
        }
        let rounds = if case.repeats() { arguments.runs } else { 1 };
        for _ in 0..rounds {
            for system in systems {
                // Unwritten data of other systems must not slow this one.
                Command::new("sync")
                    .status()
                    .context("`sync` does not run")?;
                let system = system.start()?;
                if !case.fits(system.as_ref()) {
                    continue;
                }
                let run = case
                    .run(system.as_ref(), &means)
                    .with_context(|| format!("{case} on {}", system.name()))?;
                eprintln!("{} · {case} · {run}", system.name());
                report.add(system.name(), &case, run);
            }
        }
    }
    Ok(())
}
