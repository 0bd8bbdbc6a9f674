//! What the cases stand on: a system in a temporary folder, and clients of few words.

mod imap;
mod message;
mod namespace;
mod peer;
mod sink;
mod smtp;
mod system;
mod tools;
mod volume;

pub use imap::Imap;
pub use message::{assert_same_below_trace, unique};
pub use namespace::Namespace;
pub use peer::{Kind, MAX_SIZE, Peer};
pub use sink::Sink;
pub use smtp::Smtp;
pub use system::{Process, Setup, System, programs, signal};
pub use tools::{have, python, run};
pub use volume::Volume;

use std::time::{Duration, Instant};

/// Asks again until there is an answer. For what happens in other processes, in its own time; a bound, not a guess.
pub fn eventually<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            begun.elapsed() < limit,
            "not within {} s: {what}",
            limit.as_secs()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Within which anything that is not about speed must have happened, on a loaded machine.
pub const SOON: Duration = Duration::from_secs(60);
