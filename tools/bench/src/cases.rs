//! What is measured: each case is one load and what is read off while it runs.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::accounting;
use crate::imap::Imap;
use crate::load::{self, Load, Session};
use crate::sink::Sink;
use crate::system::{System, USERS, user};

/// Messages a connection: what a busy peer does.
const PER_CONNECTION: usize = 50;
/// The same where accepting alone is measured: as many as there are.
const UNLIMITED: usize = usize::MAX;
/// Longest that a system may take to finish a case.
const PATIENCE: Duration = Duration::from_secs(300);
/// Messages that are sent before the measured ones, where accepting alone is measured.
const WARM_UP: usize = 500;
const MEBIBYTE: usize = 1024 * 1024;

/// One case.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Case {
    /// Messages accepted a second, for a recipient whose mail is thrown away.
    Accept {
        size: usize,
        sessions: usize,
        /// Whether a message's commands go out together (RFC 2920).
        pipelined: bool,
    },
    /// Messages a second from the first connection until the last is in its mailbox.
    EndToEnd { size: usize, sessions: usize },
    /// Messages a second from the first connection until the last has reached the sink.
    Relay { size: usize, sessions: usize },
    /// One message at a time, from connecting until an idle IMAP client sees it.
    Latency,
    /// What one 1 MiB message to every user adds to the database.
    Growth,
    /// What one 30 MiB message adds to any one process.
    Large,
}

/// A figure, by name: `("accepted/s", 4100.0)`.
pub(crate) type Figure = (&'static str, f64);

/// The figures of one run.
pub(crate) struct Measurement(pub(crate) Vec<Figure>);

impl Case {
    /// Every case, in the order of the report.
    pub(crate) fn all(sizes: &[usize], sessions: &[usize]) -> Vec<Self> {
        let mut cases = Vec::new();
        let makers: [fn(usize, usize) -> Self; 4] = [
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
            |size, sessions| Self::EndToEnd { size, sessions },
            |size, sessions| Self::Relay { size, sessions },
        ];
        for make in makers {
            for &size in sizes {
                cases.extend(sessions.iter().map(|&sessions| make(size, sessions)));
            }
        }
        cases.extend([Self::Latency, Self::Growth, Self::Large]);
        cases
    }

    /// The measurement that it belongs to, as `--only` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::EndToEnd { .. } => "end-to-end",
            Self::Relay { .. } => "relay",
            Self::Latency => "latency",
            Self::Growth => "growth",
            Self::Large => "large",
        }
    }

    /// Whether it says anything about the system.
    pub(crate) fn fits(self, system: &dyn System) -> bool {
        match self {
            Self::Growth | Self::Large => matches!(system.database_size(), Ok(Some(_))),
            _ => true,
        }
    }

    /// Whether one run is too noisy.
    pub(crate) fn repeats(self) -> bool {
        !matches!(self, Self::Growth | Self::Large)
    }

    /// Runs it once.
    pub(crate) fn run(
        self,
        system: &dyn System,
        sink: &Sink,
        messages: usize,
        singles: usize,
    ) -> Result<Measurement> {
        match self {
            Self::Accept {
                size,
                sessions,
                pipelined,
            } => accept(system, messages, size, sessions, pipelined),
            Self::EndToEnd { size, sessions } => end_to_end(system, messages, size, sessions),
            Self::Relay { size, sessions } => relay(system, sink, messages, size, sessions),
            Self::Latency => latency(system, singles),
            Self::Growth => growth(system),
            Self::Large => large(system),
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
            Self::EndToEnd { size, sessions } | Self::Relay { size, sessions } => write!(
                formatter,
                "{}, {} KiB, {sessions} sessions",
                self.name(),
                size / 1024
            ),
            Self::Latency => formatter.write_str("latency of one message, idle system"),
            Self::Growth => formatter.write_str("1 MiB to 100 recipients"),
            Self::Large => formatter.write_str("one 30 MiB message"),
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

/// The first messages find processes and connections that are still to be made.
fn warm_up(load: &Load) -> Result<()> {
    load::send(&Load {
        messages: WARM_UP,
        ..*load
    })?;
    Ok(())
}

fn accept(
    system: &dyn System,
    messages: usize,
    size: usize,
    sessions: usize,
    pipelined: bool,
) -> Result<Measurement> {
    let load = Load {
        port: system.smtp_port(),
        messages,
        sessions,
        size,
        per_connection: UNLIMITED,
        pipelined,
        recipient: |_| "x@discard.test".to_owned(),
    };
    warm_up(&load)?;
    let (seconds, usage) = accounting::measure(&system.roots(), || {
        let seconds = load::send(&load)?;
        // The rate is the accepting; the processor time is all of it.
        wait_until("the queue is empty", || Ok(system.queued()? == 0))?;
        anyhow::Ok(seconds)
    });
    Ok(Measurement(vec![
        ("accepted/s", messages as f64 / seconds?),
        ("CPU ms/message", cpu_ms(&usage, messages)),
        ("peak MiB", usage.peak_mib),
    ]))
}

fn end_to_end(
    system: &dyn System,
    messages: usize,
    size: usize,
    sessions: usize,
) -> Result<Measurement> {
    let load = Load {
        port: system.smtp_port(),
        messages,
        sessions,
        size,
        per_connection: PER_CONNECTION,
        pipelined: false,
        // The last user is the prober's.
        recipient: |number| user(number % (USERS - 1)),
    };
    let mut expected = Vec::with_capacity(USERS);
    for number in 0..USERS - 1 {
        let share = messages / (USERS - 1) + usize::from(number < messages % (USERS - 1));
        expected.push(system.delivered(number)? + share);
    }
    let sending = AtomicBool::new(true);
    let mut waits = Vec::new();
    let (seconds, usage) = accounting::measure(&system.roots(), || {
        std::thread::scope(|scope| {
            let prober = scope.spawn(|| probe(system, &sending));
            let start = Instant::now();
            let outcome = load::send(&load).and_then(|_| {
                for (number, &expected) in expected.iter().enumerate() {
                    wait_until("every message is in its mailbox", || {
                        Ok(system.delivered(number)? >= expected)
                    })?;
                }
                Ok(start.elapsed().as_secs_f64())
            });
            sending.store(false, Ordering::Relaxed);
            match prober.join() {
                Ok(probes) => waits = probes?,
                Err(_) => bail!("the prober panicked"),
            }
            outcome
        })
    });
    let mut figures = vec![
        ("end-to-end/s", messages as f64 / seconds?),
        ("CPU ms/message", cpu_ms(&usage, messages + waits.len())),
        ("peak MiB", usage.peak_mib),
    ];
    figures.extend(waiting(waits));
    Ok(Measurement(figures))
}

/// Sends single messages while the load runs: how long each takes until an idle client sees it.
fn probe(system: &dyn System, sending: &AtomicBool) -> Result<Vec<f64>> {
    let recipient = user(USERS - 1);
    let mut imap = Imap::login(system.imap_port(), &recipient)?;
    imap.command("SELECT INBOX")?;
    let mut waits = Vec::new();
    while sending.load(Ordering::Relaxed) {
        waits.push(single(system, &mut imap, &recipient, waits.len())?);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    Ok(waits)
}

/// Milliseconds from connecting until an idle client sees one message.
fn single(system: &dyn System, imap: &mut Imap, recipient: &str, number: usize) -> Result<f64> {
    imap.idle()?;
    let start = Instant::now();
    let mut session = Session::open(system.smtp_port())?;
    let data = load::message(recipient, number, 4_096);
    session.send(&[recipient.to_owned()], &data)?;
    imap.await_exists()?;
    let waited = start.elapsed().as_secs_f64() * 1e3;
    session.quit()?;
    imap.done()?;
    Ok(waited)
}

fn relay(
    system: &dyn System,
    sink: &Sink,
    messages: usize,
    size: usize,
    sessions: usize,
) -> Result<Measurement> {
    let load = Load {
        port: system.smtp_port(),
        messages,
        sessions,
        size,
        per_connection: PER_CONNECTION,
        pipelined: false,
        recipient: |number| format!("user{}@relay.test", number % USERS),
    };
    let expected = sink.received() + messages;
    let (seconds, usage) = accounting::measure(&system.roots(), || {
        let start = Instant::now();
        load::send(&load)?;
        wait_until("the sink has every message", || {
            Ok(sink.received() >= expected)
        })?;
        anyhow::Ok(start.elapsed().as_secs_f64())
    });
    Ok(Measurement(vec![
        ("relayed/s", messages as f64 / seconds?),
        ("CPU ms/message", cpu_ms(&usage, messages)),
        ("peak MiB", usage.peak_mib),
    ]))
}

fn latency(system: &dyn System, singles: usize) -> Result<Measurement> {
    let recipient = user(0);
    let mut imap = Imap::login(system.imap_port(), &recipient)?;
    imap.command("SELECT INBOX")?;
    let mut waits = Vec::with_capacity(singles);
    for number in 0..singles {
        waits.push(single(system, &mut imap, &recipient, number)?);
        // One message alone: the system comes to rest in between.
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok(Measurement(waiting(waits)))
}

fn growth(system: &dyn System) -> Result<Measurement> {
    // A table that was empty takes up to 48 KiB for its first row and the maps beside it.
    send_to_all(system, 1024)?;
    let before = system.database_size()?.context("no database")?;
    send_to_all(system, MEBIBYTE)?;
    let after = system.database_size()?.context("no database")?;
    let grown = after.saturating_sub(before) as f64 / MEBIBYTE as f64;
    Ok(Measurement(vec![("database growth MiB", grown)]))
}

/// Sends one message to all users, and waits until they have it.
fn send_to_all(system: &dyn System, size: usize) -> Result<()> {
    let recipients: Vec<String> = (0..USERS).map(user).collect();
    let mut expected = Vec::with_capacity(USERS);
    for number in 0..USERS {
        expected.push(system.delivered(number)? + 1);
    }
    let mut session = Session::open(system.smtp_port())?;
    session.send(&recipients, &load::message("all@bench.test", 1, size))?;
    for (number, &expected) in expected.iter().enumerate() {
        wait_until("every message is in its mailbox", || {
            Ok(system.delivered(number)? >= expected)
        })?;
    }
    session.quit()
}

fn large(system: &dyn System) -> Result<Measurement> {
    let recipient = user(1);
    let expected = system.delivered(1)? + 1;
    let data = load::message(&recipient, 1, 30 * MEBIBYTE);
    let (outcome, usage) = accounting::measure(&system.roots(), || {
        let start = Instant::now();
        let mut session = Session::open(system.smtp_port())?;
        session.send(std::slice::from_ref(&recipient), &data)?;
        wait_until("the message is in its mailbox", || {
            Ok(system.delivered(1)? >= expected)
        })?;
        session.quit()?;
        let mut imap = Imap::login(system.imap_port(), &recipient)?;
        imap.command("SELECT INBOX")?;
        imap.command("FETCH * BODY.PEEK[]")?;
        anyhow::Ok(start.elapsed().as_secs_f64())
    });
    Ok(Measurement(vec![
        ("seconds, in and out", outcome?),
        ("largest growth of a process MiB", usage.growth_mib),
    ]))
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

/// Looks again every few milliseconds; the systems offer no notice of these states.
fn wait_until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > PATIENCE {
            bail!("still waiting after {} s until {what}", PATIENCE.as_secs());
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}
