//! Message rates.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{Measurement, cpu_ms, single, wait_until, waiting};
use crate::accounting;
use crate::imap::Imap;
use crate::load::{self, Load};
use crate::senders::{self, Senders};
use crate::sink::Sink;
use crate::system::{System, USERS, user};

/// Messages in a connection, like a busy peer.
const PER_CONNECTION: usize = 50;
/// The same for accepting alone: unlimited.
const UNLIMITED: usize = usize::MAX;
/// Messages sent before the measurement of accepting alone.
const WARM_UP: usize = 500;
/// The recipient whose mail is discarded.
const NOBODY: &str = "x@discard.test";

pub(super) fn accept(
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
        recipient: |_| NOBODY.to_owned(),
        signatures: &[],
    };
    accepted(system, &load)
}

/// The same messages with and without all checks.
pub(super) fn checks(
    system: &dyn System,
    senders: &Senders,
    messages: usize,
    size: usize,
    sessions: usize,
    on: bool,
) -> Result<Measurement> {
    let port = if on {
        system.strangers_port()
    } else {
        system.smtp_port()
    };
    let signatures = load::signatures(senders, NOBODY, size)?;
    wait_until("all senders are welcome", || {
        load::all_are_welcome(port, NOBODY, senders::DOMAINS)
    })?;
    let load = Load {
        port,
        messages,
        sessions,
        size,
        per_connection: UNLIMITED,
        pipelined: false,
        recipient: |_| NOBODY.to_owned(),
        signatures: &signatures,
    };
    accepted(system, &load)
}

fn accepted(system: &dyn System, load: &Load<'_>) -> Result<Measurement> {
    warm_up(load)?;
    let messages = load.messages;
    let (seconds, usage) = accounting::measure(&system.roots(), || {
        let seconds = load::send(load)?;
        // The rate measures accepting; the processor time covers everything.
        wait_until("the queue is empty", || Ok(system.queued()? == 0))?;
        anyhow::Ok(seconds)
    });
    Ok(Measurement(vec![
        ("accepted/s", messages as f64 / seconds?),
        ("CPU ms/message", cpu_ms(&usage, messages)),
        ("peak MiB", usage.peak_mib),
    ]))
}

/// Warms up: the first messages wait for new processes and connections.
fn warm_up(load: &Load<'_>) -> Result<()> {
    load::send(&Load {
        messages: WARM_UP,
        ..*load
    })?;
    Ok(())
}

pub(super) fn end_to_end(
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
        // The last user belongs to the probe.
        recipient: |number| user(number % (USERS - 1)),
        signatures: &[],
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

/// Sends single messages during the load; returns the time until an idle client sees each.
fn probe(system: &dyn System, sending: &AtomicBool) -> Result<Vec<f64>> {
    let recipient = user(USERS - 1);
    let mut imap = Imap::login(system.imap_port(), &recipient)?;
    imap.command("SELECT INBOX")?;
    let mut waits = Vec::new();
    while sending.load(Ordering::Relaxed) {
        waits.push(single::single(system, &mut imap, &recipient, waits.len())?);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    Ok(waits)
}

pub(super) fn relay(
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
        signatures: &[],
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
