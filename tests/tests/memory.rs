//! Memory of idle processes.

use crate::harness::{Process, SOON, System, eventually};

/// A field of `/proc/PID/FILE`, without its unit.
fn field(system: &System, process: Process, file: &str, name: &str) -> Option<u64> {
    let pid = system.pid(process)?;
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn no_service_takes_huge_pages() {
    let system = System::shared();
    for process in Process::ALL {
        if process == Process::Postgres {
            continue;
        }
        let name = process.name();
        let field = |file, field_name| field(system, process, file, field_name);
        assert_eq!(field("status", "THP_enabled:"), Some(0), "{name}");
        assert_eq!(field("smaps_rollup", "AnonHugePages:"), Some(0), "{name}");
    }
}

#[test]
fn mailbox_store_gives_back_the_memory_of_password_hashes() {
    let system = System::start();
    // Argon2 uses 19 MiB per hash; without it the process uses about 4 MiB.
    eventually("a small mailbox-store", SOON, || {
        let kib = field(&system, Process::MailboxStore, "smaps_rollup", "Anonymous:")?;
        (kib < 12 * 1024).then_some(())
    });
}
