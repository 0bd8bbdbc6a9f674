//! What the system knows of this process, by the names that Prometheus's own clients use.

use std::fs;

use metrics::{counter, gauge};

/// Ticks of /proc's clocks in a second: USER_HZ, which Linux keeps at 100 for all programs.
const TICKS: u64 = 100;

/// Octets of a page, as /proc/self/statm counts them; 4 KiB where Postern is built for.
const PAGE: u64 = 4096;

/// Brings the metrics up to date. What cannot be read is left as it was.
pub(crate) fn refresh() {
    if let Some(ticks) = fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|stat| cpu_ticks(&stat))
    {
        counter!("process_cpu_milliseconds_total").absolute(ticks * 1000 / TICKS);
    }
    if let Some(pages) = fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| resident_pages(&statm))
    {
        gauge!("process_resident_memory_bytes").set((pages * PAGE) as f64);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(open.count() as f64);
    }
}

/// Fields 14 and 15 of proc_pid_stat(5). The program's name, which may hold anything, ends at the
/// last parenthesis.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The second field of proc_pid_statm(5).
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(cpu_ticks(stat), Some(200));
        assert_eq!(cpu_ticks("42 (a) S 1"), None);
        assert_eq!(resident_pages("1000 250 10 1 0 100 0"), Some(250));
    }
}
