//! A full volume: mail is deferred, everything else continues.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};

use super::neighbours::{logins, quantiles, timed};
use super::{Measurement, wait_until};
use crate::imap::Imap;
use crate::load::{self, Load, Session};
use crate::system::{System, user};

/// Sessions that continuously offer mail.
pub(super) const SENDERS: usize = 20;

/// The user whose mail is read and expunged.
const OWNER: usize = 4;

/// Messages read and expunged for each of `singles`.
const TIMES: usize = 4;

const OCTETS: usize = 16 * 1024;

pub(super) fn full(system: &dyn System, singles: usize) -> Result<Measurement> {
    let messages = singles * TIMES;
    fill(system, messages)?;
    system.set_full(true)?;
    wait_until("mail is put off", || Ok(offer(system).is_ok()))?;
    let measured = crowded(system, messages);
    system.set_full(false)?;
    let figures = measured?;
    wait_until("mail is taken again", || Ok(taken(system).is_ok()))?;
    Ok(Measurement(figures))
}

fn crowded(system: &dyn System, messages: usize) -> Result<Vec<super::Figure>> {
    let (enough, offers) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| scope.spawn(|| try_on(system, &enough, &offers)))
            .collect();
        let measured = logins(system, messages).and_then(|mut figures| {
            figures.extend(quantiles("cleared", clear(system, messages)?));
            Ok(figures)
        });
        enough.store(true, Ordering::Relaxed);
        for sender in senders {
            let tried = sender.join().unwrap_or_else(|_| bail!("a sender failed"));
            tried.context("one of the senders")?;
        }
        let mut figures = measured?;
        figures.push(("put off", offers.load(Ordering::Relaxed) as f64));
        Ok(figures)
    })
}

fn fill(system: &dyn System, messages: usize) -> Result<()> {
    let expected = system.delivered(OWNER)? + messages;
    load::send(&Load {
        port: system.smtp_port(),
        messages,
        sessions: 10,
        size: OCTETS,
        per_connection: usize::MAX,
        pipelined: false,
        recipient: |_| user(OWNER),
        signatures: &[],
    })?;
    wait_until("every message is in its mailbox", || {
        Ok(system.delivered(OWNER)? >= expected)
    })
}

fn offer(system: &dyn System) -> Result<()> {
    let mut session = Session::open(system.smtp_port())?;
    session.put_off()?;
    session.quit()
}

fn taken(system: &dyn System) -> Result<()> {
    let mut session = Session::open(system.smtp_port())?;
    session.send(&[user(OWNER)], &load::message(&user(OWNER), 0, OCTETS))?;
    session.quit()
}

fn try_on(system: &dyn System, enough: &AtomicBool, offers: &AtomicUsize) -> Result<()> {
    while !enough.load(Ordering::Relaxed) {
        offer(system)?;
        offers.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The time to read a message and to expunge it.
fn clear(system: &dyn System, messages: usize) -> Result<Vec<f64>> {
    let mut imap = Imap::login(system.imap_port(), &user(OWNER))?;
    imap.command("SELECT INBOX")?;
    let one = |imap: &mut Imap| {
        imap.command("FETCH 1 (FLAGS BODY[])")?;
        imap.command("STORE 1 +FLAGS (\\Deleted)")?;
        imap.command("EXPUNGE")?;
        Ok(())
    };
    (0..messages)
        .map(|_| {
            timed(|| one(&mut imap)).context("a full volume keeps a message from being expunged")
        })
        .collect()
}
