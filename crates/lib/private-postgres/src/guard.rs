//! Ends processes and removes folders after the end of their owner, whatever its cause.
//!
//! A parent killed with `kill -9` runs no destructor, and `PR_SET_PDEATHSIG` needs unsafe code and fires
//! when the forking *thread* ends. So a small shell waits on a pipe whose other end only the owner holds:
//! the kernel closes it when the owner ends, and the shell then ends the watched processes.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use crate::Error;

/// The signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSignal {
    /// SIGTERM: the services drain.
    Term,
    /// SIGINT: Postgres' fast shutdown.
    Int,
    /// SIGQUIT: Postgres' immediate shutdown, for clusters that are thrown away.
    Quit,
}

impl EndSignal {
    const fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Quit => "QUIT",
        }
    }
}

/// Reads `+ SIGNAL PID`, `- PID` and `d FOLDER` until its input closes, then cleans up: the services end
/// before the Postgres that they use.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
watched=; folders=
while read -r verb a b; do
  case $verb in
    +) watched="$watched $a:$b" ;;
    -) kept=; for w in $watched; do [ "${w#*:}" = "$a" ] || kept="$kept $w"; done; watched=$kept ;;
    d) folders="$folders $a" ;;
  esac
done
for signal in TERM INT QUIT; do
  for w in $watched; do [ "${w%%:*}" != $signal ] || kill -$signal "${w#*:}" 2>/dev/null; done
  for w in $watched; do
    [ "${w%%:*}" = $signal ] || continue
    tries=0
    while kill -0 "${w#*:}" 2>/dev/null && [ $tries -lt 300 ]; do tries=$((tries + 1)); sleep 0.1; done
    [ $tries -lt 300 ] || kill -9 "${w#*:}" 2>/dev/null
  done
done
for f in $folders; do rm -rf "$f"; done
"#;

/// The watching shell. Dropping it ends what is still watched.
#[derive(Debug)]
pub struct Guard {
    shell: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Guard {
    /// Starts the shell.
    ///
    /// # Errors
    /// If `/bin/sh` cannot be started.
    pub fn start() -> Result<Self, Error> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A process group of its own, so that Ctrl-C at the terminal does not reach it.
            .process_group(0)
            .spawn()
            .map_err(Error::io("starting /bin/sh to watch over child processes"))?;
        let pipe = Mutex::new(shell.stdin.take());
        Ok(Self { shell, pipe })
    }

    /// Ends `pid` with `signal` after the owner's end.
    pub fn watch(&self, pid: u32, signal: EndSignal) {
        self.say(&format!("+ {} {pid}\n", signal.name()));
    }

    /// The process has ended by itself: its id may soon be reused.
    pub fn forget(&self, pid: u32) {
        self.say(&format!("- {pid}\n"));
    }

    /// Removes `folder` after the watched processes have ended. Its path must not contain blanks.
    pub fn remove_folder(&self, folder: &Path) {
        self.say(&format!("d {}\n", folder.display()));
    }

    fn say(&self, line: &str) {
        let mut pipe = self
            .pipe
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            // A killed guard does nothing; its owner still stops its children itself.
            let _gone = pipe.write_all(line.as_bytes());
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(
            self.pipe
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .take(),
        );
        let _reaped = self.shell.wait();
    }
}
