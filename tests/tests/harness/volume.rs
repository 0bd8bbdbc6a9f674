//! A small volume that a test can fill.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A file system in memory. It ends when it is dropped, or when the test is killed.
#[derive(Debug)]
pub struct Volume {
    /// Unmounts it at the end of its input.
    holder: Child,
    path: PathBuf,
}

impl Volume {
    /// A volume of this size in MiB; `None`, with a message, if mounting is not permitted here.
    pub fn of(mebibytes: u32) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: mounting takes root");
            return None;
        }
        let path = tempfile::Builder::new()
            .prefix("postern-e2e-")
            .tempdir()
            .unwrap()
            .keep();
        let script = "mount -t tmpfs -o size=$2m,mode=0755 postern-test \"$1\" && echo ready && { read -r end; \
                      umount -l \"$1\"; rmdir \"$1\"; }";
        let mut holder = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&path)
            .arg(mebibytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 6];
        if holder
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut said)
            .is_err()
        {
            eprintln!("SKIPPED: this machine or sandbox lets nobody mount");
            let _ended = holder.wait();
            return None;
        }
        Some(Self { holder, path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ended = self.holder.wait();
    }
}
