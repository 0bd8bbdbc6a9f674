//! The effect of abusive clients on others: regular mail and logins continue. One refusal ends the case.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Figure, Measurement, single, wait_until};
use crate::crowd::{Crowd, Manner};
use crate::imap::Imap;
use crate::load::{self, Load, Session};
use crate::system::{System, user};

/// Silent connections on a port.
pub(super) const SILENT: usize = 4_500;
/// Sessions of one user that continuously read everything.
pub(super) const READERS: usize = 30;

/// Messages that they read.
const MESSAGES: usize = 2_000;
const OCTETS: usize = 16 * 1024;

/// The user of the readers, and the regular user.
const GREEDY: usize = 2;
const HONEST: usize = 3;

/// Logins or messages for each of `singles`.
const TIMES: usize = 4;

/// Duration of the attack before a regular client connects.
const RUSH: Duration = Duration::from_secs(4);

pub(super) fn silent(system: &dyn System, singles: usize) -> Result<Measurement> {
    let crowd = Crowd::gather(system.imap_port(), SILENT, Manner::Silent)?;
    std::thread::sleep(RUSH);
    let mut figures = logins(system, singles * TIMES)?;
    figures.push(("silent connections", crowd.inside() as f64));
    Ok(Measurement(figures))
}

pub(super) fn files(system: &dyn System, singles: usize) -> Result<Measurement> {
    let ports = system.smtp_ports().into_iter();
    let crowds: Result<Vec<_>> = ports
        .map(|port| Crowd::gather(port, SILENT, Manner::Silent))
        .collect();
    let crowds = crowds?;
    std::thread::sleep(RUSH);
    let waits: Result<Vec<_>> = (0..singles * TIMES)
        .map(|number| timed(|| one_message(system, number)))
        .collect();
    let mut figures = quantiles("sent", waits?);
    figures.extend(quantiles("visible", {
        let recipient = user(HONEST);
        let mut imap = Imap::login(system.imap_port(), &recipient)?;
        imap.command("SELECT INBOX")?;
        let seen = (0..singles).map(|number| single::single(system, &mut imap, &recipient, number));
        seen.collect::<Result<Vec<_>>>()?
    }));
    let inside: usize = crowds.iter().map(Crowd::inside).sum();
    figures.push(("silent connections", inside as f64));
    Ok(Measurement(figures))
}

fn one_message(system: &dyn System, number: usize) -> Result<()> {
    let recipient = user(HONEST);
    let mut session = Session::open(system.smtp_port()).context("honest mail was sent away")?;
    let data = load::message(&recipient, number, 4_096);
    session.send(&[recipient], &data)?;
    session.quit()
}

pub(super) fn reads(system: &dyn System, singles: usize) -> Result<Measurement> {
    fill(system)?;
    let alone = logins(system, singles * TIMES)?;
    let (enough, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| scope.spawn(|| read_on(system, &enough, &rounds)))
            .collect();
        let measured = wait_until("all read", || Ok(rounds.load(Ordering::Relaxed) > 0))
            .and_then(|()| logins(system, singles * TIMES));
        enough.store(true, Ordering::Relaxed);
        for reader in readers {
            let read = reader.join().unwrap_or_else(|_| bail!("a reader failed"));
            read.context("one of the readers")?;
        }
        let mut figures = measured?;
        figures.extend(alone.iter().filter_map(|&(name, value)| match name {
            "login p95 ms" => Some(("login p95 ms, alone", value)),
            _ => None,
        }));
        figures.push(("mailboxes read", rounds.load(Ordering::Relaxed) as f64));
        Ok(Measurement(figures))
    })
}

/// Messages for the readers.
fn fill(system: &dyn System) -> Result<()> {
    let expected = system.delivered(GREEDY)? + MESSAGES;
    load::send(&Load {
        port: system.smtp_port(),
        messages: MESSAGES,
        sessions: 10,
        size: OCTETS,
        per_connection: usize::MAX,
        pipelined: false,
        recipient: |_| user(GREEDY),
        signatures: &[],
    })?;
    wait_until("every message is in its mailbox", || {
        Ok(system.delivered(GREEDY)? >= expected)
    })
}

/// Reads all messages until `enough` is set; in pieces, so that it ends soon.
fn read_on(system: &dyn System, enough: &AtomicBool, rounds: &AtomicUsize) -> Result<()> {
    let mut imap = Imap::login(system.imap_port(), &user(GREEDY))?;
    imap.command("SELECT INBOX")?;
    loop {
        for first in (1..=MESSAGES).step_by(500) {
            if enough.load(Ordering::Relaxed) {
                return Ok(());
            }
            imap.command(&format!(
                "FETCH {first}:{} (FLAGS ENVELOPE BODY.PEEK[])",
                first + 499
            ))?;
        }
        rounds.fetch_add(1, Ordering::Relaxed);
    }
}

/// The time for a user to connect, log in and open INBOX.
pub(super) fn logins(system: &dyn System, count: usize) -> Result<Vec<Figure>> {
    let login = || {
        let mut imap = Imap::login(system.imap_port(), &user(HONEST))?;
        imap.command("SELECT INBOX")?;
        imap.command("LOGOUT")?;
        Ok(())
    };
    let waits: Result<Vec<_>> = (0..count)
        .map(|_| timed(login).context("an honest login was refused"))
        .collect();
    Ok(quantiles("login", waits?))
}

/// Runs `work` and returns its milliseconds.
pub(super) fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

pub(super) fn quantiles(what: &'static str, mut waits: Vec<f64>) -> Vec<Figure> {
    waits.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = (waits.len() as f64 * part) as usize;
        let index = index.min(waits.len().saturating_sub(1));
        waits.get(index).copied().unwrap_or(0.0)
    };
    let names: [&'static str; 3] = match what {
        "login" => ["login p50 ms", "login p95 ms", "login max ms"],
        "cleared" => ["cleared p50 ms", "cleared p95 ms", "cleared max ms"],
        "sent" => ["sent p50 ms", "sent p95 ms", "sent max ms"],
        _ => ["visible p50 ms", "visible p95 ms", "visible max ms"],
    };
    vec![
        (names[0], at(0.5)),
        (names[1], at(0.95)),
        (names[2], at(1.0)),
    ]
}
