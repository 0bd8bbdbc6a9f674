//! Many simultaneous connections.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{Means, Measurement, rates, single, wait_until};
use crate::accounting;
use crate::crowd::{Crowd, Manner};
use crate::system::System;

/// Idle connections.
pub(super) const IDLE: usize = 5_000;
/// Sending connections.
pub(super) const ACTIVE: usize = 500;
/// Connections held open.
pub(super) const ATTACKERS: usize = 2_000;

/// Waits for the aftermath of earlier work: dead rows are removed, memory is returned.
const SETTLING: Duration = Duration::from_secs(5);

/// Observation time of an idle system.
const REST: Duration = Duration::from_secs(10);

pub(super) fn idle(system: &dyn System, singles: usize) -> Result<Measurement> {
    let (alone_cpu, alone_mib) = at_rest(system);
    let crowd = Crowd::gather(system.smtp_port(), IDLE, Manner::Idle)?;
    let (cpu, mib) = at_rest(system);
    if crowd.inside() < IDLE {
        bail!("{} of {IDLE} connections were kept", crowd.inside());
    }
    let mut figures = vec![
        ("KiB/connection", (mib - alone_mib) * 1024.0 / IDLE as f64),
        ("CPU ms/s", cpu),
        ("CPU ms/s without them", alone_cpu),
    ];
    figures.extend(single::latency(system, singles)?.0);
    Ok(Measurement(figures))
}

/// Milliseconds of processor time a second, and MiB, of an idle system after it has settled.
fn at_rest(system: &dyn System) -> (f64, f64) {
    std::thread::sleep(SETTLING);
    let start = Instant::now();
    let ((), usage) = accounting::measure(&system.roots(), || std::thread::sleep(REST));
    let seconds = start.elapsed().as_secs_f64();
    (usage.cpu_seconds * 1e3 / seconds, usage.peak_mib)
}

pub(super) fn active(system: &dyn System, messages: usize) -> Result<Measurement> {
    let (_, alone_mib) = at_rest(system);
    let mut measured = rates::accept(system, messages.max(20 * ACTIVE), 4_096, ACTIVE, false)?;
    let peak = measured.0.iter().find(|(name, _)| *name == "peak MiB");
    let grown = peak.map(|(_, peak)| (peak - alone_mib) * 1024.0 / ACTIVE as f64);
    measured.0.extend(grown.map(|kib| ("KiB/connection", kib)));
    Ok(measured)
}

/// Mail from untrusted clients under load: none may be refused.
pub(super) fn slow(system: &dyn System, means: &Means<'_>) -> Result<Measurement> {
    let crowd = Crowd::gather(system.strangers_port(), ATTACKERS, Manner::Slow)?;
    wait_until("the attackers are in", || {
        Ok(crowd.inside() >= ATTACKERS * 9 / 10)
    })?;
    let before = crowd.entries();
    let start = Instant::now();
    let mut measured = rates::checks(system, means.senders, means.messages, 4_096, 10, true)?;
    let entries = (crowd.entries() - before) as f64 / start.elapsed().as_secs_f64();
    measured.0.push(("attackers inside", crowd.inside() as f64));
    measured.0.push(("attackers coming back/s", entries));
    Ok(measured)
}
