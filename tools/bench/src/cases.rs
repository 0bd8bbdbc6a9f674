//! The cases: each is one load, and the figures measured during it.

mod crowds;
mod full;
mod neighbours;
mod rates;
mod segments;
mod single;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::accounting;
use crate::senders::Senders;
use crate::sink::Sink;
use crate::system::System;
use crowds::{ACTIVE, ATTACKERS, IDLE};
use full::SENDERS;
use neighbours::{READERS, SILENT};

/// Time limit of a case.
const CASE_TIMEOUT: Duration = Duration::from_secs(300);

/// One case.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Case {
    /// Accepted messages a second, for a recipient whose mail is discarded.
    Accept {
        size: usize,
        sessions: usize,
        /// Whether a message's commands are sent together (RFC 2920).
        pipelined: bool,
    },
    /// Accepted messages a second, signed, from a hundred domains.
    Checks {
        size: usize,
        sessions: usize,
        /// From untrusted clients, with every rule and check on.
        on: bool,
    },
    /// Messages a second from the first connection until the last is in its mailbox.
    EndToEnd { size: usize, sessions: usize },
    /// Messages a second from the first connection until the last has reached the sink.
    Relay { size: usize, sessions: usize },
    /// One message at a time, from connecting until an idle IMAP client sees it.
    Latency,
    /// Commands in two segments, from a client with Nagle's algorithm.
    Segments,
    /// Database growth for one 1 MiB message to every user.
    Growth,
    /// Growth of any process for one 30 MiB message.
    Large,
    /// The cost of idle connections.
    Idle,
    /// The cost of active connections.
    Active,
    /// Accepted messages a second from untrusted clients while other clients hold connections open.
    Slow,
    /// Logins while there are more silent connections than slots on the IMAP port.
    Silent,
    /// Mail while there are more silent connections than file descriptors on all SMTP ports.
    Files,
    /// Logins and reading of one user while sessions of another read continuously.
    Reads,
    /// Logins, reading and expunging while the volume is full and senders retry continuously.
    Full,
}

/// The parameters of a case.
pub(crate) struct Means<'a> {
    pub(crate) sink: &'a Sink,
    pub(crate) senders: &'a Senders,
    /// Messages in a case.
    pub(crate) messages: usize,
    /// Messages in a measurement of single ones.
    pub(crate) singles: usize,
}

/// A figure, by name: `("accepted/s", 4100.0)`.
pub(crate) type Figure = (&'static str, f64);

/// The figures of one run.
pub(crate) struct Measurement(pub(crate) Vec<Figure>);

impl Case {
    /// Every case, in the order of the report.
    pub(crate) fn all(sizes: &[usize], sessions: &[usize]) -> Vec<Self> {
        let mut cases = Vec::new();
        let makers: [fn(usize, usize) -> Self; 6] = [
            |size, sessions| Self::Accept {
                size,
                sessions,
                pipelined: false,
            },
            |size, sessions| Self::Accept {
                size,
                sessions,
                pipelined: true,
            },
            |size, sessions| Self::Checks {
                size,
                sessions,
                on: false,
            },
            |size, sessions| Self::Checks {
                size,
                sessions,
                on: true,
            },
            |size, sessions| Self::EndToEnd { size, sessions },
            |size, sessions| Self::Relay { size, sessions },
        ];
        for make in makers {
            for &size in sizes {
                cases.extend(sessions.iter().map(|&sessions| make(size, sessions)));
            }
        }
        cases.extend([Self::Latency, Self::Segments, Self::Growth, Self::Large]);
        cases.extend([Self::Idle, Self::Active, Self::Slow]);
        cases.extend([Self::Silent, Self::Files, Self::Reads, Self::Full]);
        cases
    }

    /// The name for `--only`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::Checks { .. } => "checks",
            Self::EndToEnd { .. } => "end-to-end",
            Self::Relay { .. } => "relay",
            Self::Latency => "latency",
            Self::Segments => "segments",
            Self::Growth => "growth",
            Self::Large => "large",
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Slow => "slow",
            Self::Silent => "silent",
            Self::Files => "files",
            Self::Reads => "reads",
            Self::Full => "full",
        }
    }

    /// Whether the case applies to the system.
    pub(crate) fn fits(self, system: &dyn System) -> bool {
        match self {
            Self::Growth | Self::Large => matches!(system.database_size(), Ok(Some(_))),
            Self::Idle => system.max_connections() >= IDLE,
            Self::Active => system.max_connections() >= ACTIVE,
            // With as many connections as slots, all others would be refused.
            Self::Slow => system.max_connections() > ATTACKERS,
            Self::Silent | Self::Files => system.max_connections() > SILENT,
            Self::Full => system.fills_up(),
            _ => true,
        }
    }

    /// Whether a single run is too noisy.
    pub(crate) fn repeats(self) -> bool {
        !matches!(self, Self::Growth | Self::Large)
    }

    /// Runs it once.
    pub(crate) fn run(self, system: &dyn System, means: &Means<'_>) -> Result<Measurement> {
        let messages = means.messages;
        match self {
            Self::Accept {
                size,
                sessions,
                pipelined,
            } => rates::accept(system, messages, size, sessions, pipelined),
            Self::Checks { size, sessions, on } => {
                rates::checks(system, means.senders, messages, size, sessions, on)
            }
            Self::EndToEnd { size, sessions } => {
                rates::end_to_end(system, messages, size, sessions)
            }
            Self::Relay { size, sessions } => {
                rates::relay(system, means.sink, messages, size, sessions)
            }
            Self::Latency => single::latency(system, means.singles),
            Self::Segments => segments::segments(system, means.singles),
            Self::Growth => single::growth(system),
            Self::Large => single::large(system),
            Self::Idle => crowds::idle(system, means.singles),
            Self::Active => crowds::active(system, messages),
            Self::Slow => crowds::slow(system, means),
            Self::Silent => neighbours::silent(system, means.singles),
            Self::Files => neighbours::files(system, means.singles),
            Self::Reads => neighbours::reads(system, means.singles),
            Self::Full => full::full(system, means.singles),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept {
                size,
                sessions,
                pipelined,
            } => write!(
                formatter,
                "{}, {} KiB, {sessions} sessions{}",
                self.name(),
                size / 1024,
                if *pipelined { ", pipelined" } else { "" }
            ),
            Self::Checks { size, sessions, on } => write!(
                formatter,
                "signed, {} KiB, {sessions} sessions, {}",
                size / 1024,
                if *on {
                    "every rule and check on"
                } else {
                    "none on"
                }
            ),
            Self::EndToEnd { size, sessions } | Self::Relay { size, sessions } => write!(
                formatter,
                "{}, {} KiB, {sessions} sessions",
                self.name(),
                size / 1024
            ),
            Self::Latency => formatter.write_str("latency of one message, idle system"),
            Self::Segments => formatter.write_str("commands in two segments, Nagle's algorithm on"),
            Self::Growth => formatter.write_str("1 MiB to 100 recipients"),
            Self::Large => formatter.write_str("one 30 MiB message"),
            Self::Idle => write!(formatter, "{IDLE} idle connections"),
            Self::Active => write!(formatter, "{ACTIVE} active connections, 4 KiB"),
            Self::Slow => {
                write!(
                    formatter,
                    "{ATTACKERS} slow connections, 4 KiB, 10 sessions"
                )
            }
            Self::Silent => write!(formatter, "{SILENT} silent IMAP connections"),
            Self::Files => write!(formatter, "{SILENT} silent connections on each SMTP port"),
            Self::Reads => write!(formatter, "{READERS} sessions of one user read everything"),
            Self::Full => write!(formatter, "full volume, {SENDERS} senders that are put off"),
        }
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(formatter, "{comma}{name} {value:.2}")?;
        }
        Ok(())
    }
}

fn cpu_ms(usage: &accounting::Usage, messages: usize) -> f64 {
    usage.cpu_seconds * 1e3 / messages as f64
}

fn waiting(mut waits: Vec<f64>) -> Vec<Figure> {
    waits.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = (waits.len() as f64 * part) as usize;
        waits.get(index.min(waits.len().saturating_sub(1))).copied()
    };
    [
        ("visible p50 ms", at(0.5)),
        ("visible p95 ms", at(0.95)),
        ("visible max ms", at(1.0)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// Polls every few milliseconds; the systems do not report these states.
fn wait_until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > CASE_TIMEOUT {
            bail!(
                "still waiting after {} s until {what}",
                CASE_TIMEOUT.as_secs()
            );
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}
