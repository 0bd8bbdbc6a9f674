//! Single messages.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Measurement, wait_until, waiting};
use crate::accounting;
use crate::imap::Imap;
use crate::load::{self, Session};
use crate::system::{System, USERS, user};

const MEBIBYTE: usize = 1024 * 1024;

/// Milliseconds from connecting until an idle client sees one message.
pub(super) fn single(
    system: &dyn System,
    imap: &mut Imap,
    recipient: &str,
    number: usize,
) -> Result<f64> {
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

pub(super) fn latency(system: &dyn System, singles: usize) -> Result<Measurement> {
    let recipient = user(0);
    let mut imap = Imap::login(system.imap_port(), &recipient)?;
    imap.command("SELECT INBOX")?;
    let mut waits = Vec::with_capacity(singles);
    for number in 0..singles {
        waits.push(single(system, &mut imap, &recipient, number)?);
        // A single message: the system becomes idle in between.
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok(Measurement(waiting(waits)))
}

pub(super) fn growth(system: &dyn System) -> Result<Measurement> {
    // An empty table takes up to 48 KiB for its first row and its maps.
    send_to_all(system, 1024)?;
    let before = system.database_size()?.context("no database")?;
    send_to_all(system, MEBIBYTE)?;
    let after = system.database_size()?.context("no database")?;
    let grown = after.saturating_sub(before) as f64 / MEBIBYTE as f64;
    Ok(Measurement(vec![("database growth MiB", grown)]))
}

/// Sends one message to all users, and waits for its delivery.
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

pub(super) fn large(system: &dyn System) -> Result<Measurement> {
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
