//! The system's figures about this process, with the names used by Prometheus' own clients. They are written
//! into the page here: the recorder's counters are whole numbers, and processor time is counted in seconds.

use std::fmt::Write as _;
use std::fs;

/// Ticks of /proc's clocks in a second: USER_HZ, which Linux keeps at 100 for all programs.
const TICKS: f64 = 100.0;

/// Adds the metrics of this process to a page. Unreadable ones are left out.
pub(crate) fn add_to(page: &mut String, process: &str) {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
    let open = fs::read_dir("/proc/self/fd")
        .ok()
        .map(|open| open.count() as f64);
    let metrics = [
        ("process_cpu_seconds_total", "counter", cpu_seconds(&stat)),
        (
            "process_start_time_seconds",
            "gauge",
            start_seconds(&stat, &read("/proc/stat")),
        ),
        (
            "process_resident_memory_bytes",
            "gauge",
            octets(&status, "VmRSS"),
        ),
        (
            "process_virtual_memory_bytes",
            "gauge",
            octets(&status, "VmSize"),
        ),
        ("process_threads", "gauge", number(&status, "Threads")),
        ("process_open_fds", "gauge", open),
        (
            "process_max_fds",
            "gauge",
            max_fds(&read("/proc/self/limits")),
        ),
    ];
    for (name, kind, value) in metrics {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(
                page,
                "# TYPE {name} {kind}\n{name}{{process=\"{process}\"}} {value}\n\n"
            );
        }
    }
}

/// Field `n` of proc_pid_stat(5), from the third on. The program's name, which may hold any character, ends
/// at the last parenthesis.
fn field(stat: &str, n: usize) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(n - 3)?.parse().ok()
}

/// utime and stime.
fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS)
}

/// starttime, which counts from the machine's start.
fn start_seconds(stat: &str, machine: &str) -> Option<f64> {
    let mut lines = machine.lines();
    let booted: f64 = lines
        .find_map(|line| line.strip_prefix("btime "))?
        .parse()
        .ok()?;
    Some(booted + field(stat, 22)? / TICKS)
}

/// A line of proc_pid_status(5).
fn number(status: &str, name: &str) -> Option<f64> {
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

/// The same for a value in KiB.
fn octets(status: &str, name: &str) -> Option<f64> {
    Some(number(status, name)? * 1024.0)
}

/// The soft limit, from proc_pid_limits(5).
fn max_fds(limits: &str) -> Option<f64> {
    let mut lines = limits.lines();
    let files = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    files.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 51 0 0 20 0 9 0 12345 7";
        assert_eq!(cpu_seconds(stat), Some(2.01));
        assert_eq!(cpu_seconds("42 (a) S 1"), None);
        let machine = "cpu 1 2\nbtime 1700000000\n";
        assert_eq!(start_seconds(stat, machine), Some(1_700_000_123.45));
        let status = "Name:\tx\nVmSize:\t  2048 kB\nVmRSS:\t     250 kB\nThreads:\t7\n";
        assert_eq!(octets(status, "VmRSS"), Some(256_000.0));
        assert_eq!(octets(status, "VmSize"), Some(2_097_152.0));
        assert_eq!(number(status, "Threads"), Some(7.0));
        let limits =
            "Limit   Soft Limit  Hard Limit  Units\nMax open files   1024   20000   files\n";
        assert_eq!(max_fds(limits), Some(1024.0));
        assert_eq!(max_fds("Max open files  unlimited unlimited files"), None);
    }

    #[test]
    fn all_of_them_are_on_the_page_of_a_running_process() {
        let mut page = String::new();
        add_to(&mut page, "queue");
        for name in [
            "process_cpu_seconds_total",
            "process_start_time_seconds",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_threads",
            "process_open_fds",
            "process_max_fds",
        ] {
            let line = format!("\n{name}{{process=\"queue\"}} ");
            assert!(page.contains(&line), "{name}: {page}");
        }
        assert!(page.contains("# TYPE process_cpu_seconds_total counter\n"));
    }
}
