//! Services left by an earlier run: stopped before new ones start.
//!
//! The guard stops them when the supervisor is killed; this handles a killed guard.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use rustix::process::{Pid, Signal};

use super::folder::Folder;
use super::pid_file;
use super::screen::Screen;
use super::services::SERVICES;

const DRAIN: Duration = Duration::from_secs(30);
const AFTER_KILL: Duration = Duration::from_secs(35);

/// Stops every service of this folder with a process id file.
pub(super) async fn end(folder: &Folder, screen: &Screen) -> anyhow::Result<()> {
    for kind in SERVICES.iter().rev() {
        let file = folder.pid_file(kind.name);
        let noted = pid_file::read(&file);
        if let Some(pid) = noted.filter(|&pid| is_ours(pid, &folder.configuration())) {
            screen.progress(
                kind.name,
                &format!("process {pid} is left from an earlier run: ending it"),
            );
            end_process(pid, &folder.configuration()).await?;
        }
        let _missing = std::fs::remove_file(file);
    }
    Ok(())
}

/// Whether the process was started with this folder's configuration: ids are reused.
fn is_ours(pid: i32, configuration: &Path) -> bool {
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command
        .split(|&byte| byte == 0)
        .any(|word| word == configuration.as_os_str().as_encoded_bytes())
}

async fn end_process(number: i32, configuration: &Path) -> anyhow::Result<()> {
    let Some(pid) = Pid::from_raw(number) else {
        return Ok(());
    };
    let _gone = rustix::process::kill_process(pid, Signal::TERM);
    let begun = Instant::now();
    let mut killed = false;
    while is_ours(number, configuration) {
        if begun.elapsed() > AFTER_KILL {
            bail!("process {number}, left from an earlier run, does not end");
        }
        if begun.elapsed() > DRAIN && !killed {
            killed = true;
            let _gone = rustix::process::kill_process(pid, Signal::KILL);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
