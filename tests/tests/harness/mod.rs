//! The basis of the cases: a system in a temporary folder, and simple clients.

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

/// Asks again until there is an answer. For events in other processes; the limit is an upper bound, not an
/// estimate.
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

/// A bound for anything that is not about speed, on a loaded machine.
pub const SOON: Duration = Duration::from_secs(60);
