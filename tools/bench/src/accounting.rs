//! Resource usage of a system: CPU seconds and memory of process trees, from /proc.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Clock ticks a second of /proc/*/stat: 100 on every Linux that matters.
const TICKS: f64 = 100.0;

/// Sampling interval of each process's memory, and every how many samples its shared memory is read: the
/// kernel walks all pages for that, on the measured processors.
const SAMPLES: Duration = Duration::from_millis(200);
const SHARED_EVERY: usize = 5;

/// CPU seconds and memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time of all processes.
    pub(crate) cpu_seconds: f64,
    /// Peak of the sum of proportional set sizes, MiB.
    pub(crate) peak_mib: f64,
    /// Maximum growth of a single process in MiB of resident memory.
    pub(crate) growth_mib: f64,
}

/// Runs `work` and returns the usage of the trees below `roots` during that time.
///
/// CPU time is exact as long as each parent reaps its children, as in all systems here.
pub(crate) fn measure<T>(roots: &[u32], work: impl FnOnce() -> T) -> (T, Usage) {
    let before = cpu_seconds(roots);
    let rss_before = resident(roots);
    let done = AtomicBool::new(false);
    let (result, (peak_mib, growth_mib)) = std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut peak: f64 = 0.0;
            let mut growth: f64 = 0.0;
            for round in 0.. {
                let last = done.load(Ordering::Relaxed);
                if last || round % SHARED_EVERY == 0 {
                    peak = peak.max(proportional_mib(roots));
                }
                for (pid, now) in resident(roots) {
                    let then = rss_before.get(&pid).copied().unwrap_or(now);
                    growth = growth.max(now - then);
                }
                if last {
                    break;
                }
                std::thread::park_timeout(SAMPLES);
            }
            (peak, growth)
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        sampler.thread().unpark();
        (result, sampler.join().unwrap_or_default())
    });
    let usage = Usage {
        cpu_seconds: cpu_seconds(roots) - before,
        peak_mib,
        growth_mib,
    };
    (result, usage)
}

struct Stat {
    parent: u32,
    ticks: u64,
    resident_pages: u64,
}

fn cpu_seconds(roots: &[u32]) -> f64 {
    let table = table();
    let ticks: u64 = tree(&table, roots)
        .iter()
        .filter_map(|pid| table.get(pid))
        .map(|stat| stat.ticks)
        .sum();
    ticks as f64 / TICKS
}

fn resident(roots: &[u32]) -> HashMap<u32, f64> {
    let table = table();
    tree(&table, roots)
        .into_iter()
        .filter_map(|pid| Some((pid, table.get(&pid)?.resident_pages as f64 * 4.0 / 1024.0)))
        .collect()
}

fn proportional_mib(roots: &[u32]) -> f64 {
    let table = table();
    tree(&table, roots)
        .into_iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok())
        .filter_map(|text| {
            let line = text.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        })
        .sum::<f64>()
        / 1024.0
}

fn table() -> HashMap<u32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return HashMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, parse(&text)?))
        })
        .collect()
}

/// The fields after the command name, which may contain spaces and parentheses.
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        // Its own user and system time, and that of reaped children.
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
        resident_pages: number(21)?,
    })
}

fn tree(table: &HashMap<u32, Stat>, roots: &[u32]) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    let mut waiting: Vec<u32> = roots.to_vec();
    while let Some(pid) = waiting.pop() {
        if found.contains(&pid) || !table.contains_key(&pid) {
            continue;
        }
        found.push(pid);
        waiting.extend(
            table
                .iter()
                .filter(|(_, stat)| stat.parent == pid)
                .map(|(child, _)| *child),
        );
    }
    found
}
