//! The scan: hands out due recipients from the table while workers have credits. Mail that was just accepted
//! does not pass here while there are credits (see `enqueue`).

use std::sync::Arc;
use std::time::Duration;

use api::queue::v1::{LeasedMessage, LeasedRecipient, Notify};
use database::HeldConnection;
use tokio_util::sync::CancellationToken;

use super::{HandOut, hand_out};
use crate::due::Prospect;
use crate::engine::Engine;
use crate::flags::MessageFlags;
use crate::options;
use crate::sql::leases::{self, Leased, Turn};

/// Recipients leased by one statement. Measured at this size: 72,000 a second.
const BATCH: usize = 100;

/// Longest sleep. The clock may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Shortest sleep when the due time has already passed: another replica may have locked the rows.
const SHORTEST_SLEEP: Duration = Duration::from_millis(20);

/// Pause after an error of Postgres.
const FAILURE_PAUSE: Duration = Duration::from_millis(200);

/// Scans until shutdown.
pub(crate) async fn dispatch(engine: Arc<Engine>, shutdown: CancellationToken) {
    let mut connection = HeldConnection::new(engine.pool.clone());
    let mut turn = Turn::First;
    loop {
        let sleep = match scan(&engine, &mut connection, &mut turn).await {
            Ok(sleep) => sleep,
            Err(error) => {
                tracing::warn!(%error, "the scan for due mail failed");
                connection.discard();
                engine.due.scan_broke_off();
                FAILURE_PAUSE
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = engine.due.woken() => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

/// Hands out due recipients while there are credits. Returns how long there is nothing to do.
///
/// Credits are taken only for recipients known to be due. The others remain for mail that arrives meanwhile.
async fn scan(
    engine: &Arc<Engine>,
    connection: &mut HeldConnection,
    turn: &mut Turn,
) -> Result<Duration, sqlx::Error> {
    let now = engine.clock.now();
    if !engine.workers.have_credits() {
        if engine.due.take_doubt() && ask(engine, connection).await? {
            engine.due.scan_broke_off();
        }
        return Ok(LONGEST_SLEEP);
    }
    let prospect = engine.due.begin_scan(now);
    if prospect == Prospect::None {
        return Ok(until(engine.due.next(), now));
    }
    engine.workers.forget_expired(now);
    // Both kinds take turns, so that a backlog of retries does not delay fresh mail, nor the other way round.
    let mut exhausted = 0;
    let mut some_due = prospect == Prospect::Backlog || ask(engine, connection).await?;
    while some_due && exhausted < 2 {
        let full = lease_batch(engine, connection, *turn).await?;
        *turn = match turn {
            Turn::First => Turn::Again,
            Turn::Again => Turn::First,
        };
        if !engine.workers.have_credits() {
            engine.due.scan_broke_off();
            return Ok(LONGEST_SLEEP);
        }
        if full {
            exhausted = 0;
        } else {
            // Another replica may have locked the due rows of this kind: the other kind is tried as well.
            exhausted += 1;
            some_due = ask(engine, connection).await?;
        }
    }
    Ok(until(engine.due.next(), engine.clock.now()))
}

/// Asks the table when the next recipient is due; true if it is due now.
async fn ask(engine: &Engine, connection: &mut HeldConnection) -> Result<bool, sqlx::Error> {
    engine.due.forget_next();
    let next = database::bounded(async { leases::next_due(connection.get().await?).await });
    let Some(next) = next.await? else {
        return Ok(false);
    };
    engine.due.known(next);
    Ok(next <= engine.clock.now())
}

/// Leases one batch for one worker. False if nothing was left to lease.
async fn lease_batch(
    engine: &Arc<Engine>,
    connection: &mut HeldConnection,
    turn: Turn,
) -> Result<bool, sqlx::Error> {
    let Some((credit, mut credits)) = engine.workers.take_credits_of_one(BATCH) else {
        return Ok(true);
    };
    let wanted = credit.count();
    let now = engine.clock.now();
    let until = now + engine.lease_ms;
    let leased = database::bounded(async {
        let connection = connection.get().await?;
        leases::lease(connection, turn, &credit.name, wanted as i64, now, until).await
    });
    let leased = leased.await?;
    credits.handed(credit.worker, leased.len());
    drop(credits);
    let full = leased.len() == wanted;
    if !leased.is_empty() {
        metrics::counter!("postern_queue_leased_total", "way" => "scan")
            .increment(leased.len() as u64);
        let mut messages = HandOut::default();
        for message in group(leased) {
            messages.add(credit.worker, message);
        }
        hand_out(engine, messages, until);
    }
    Ok(full)
}

/// Groups adjacent recipients of one message.
fn group(leased: Vec<Leased>) -> Vec<LeasedMessage> {
    let mut messages: Vec<LeasedMessage> = Vec::with_capacity(leased.len());
    for mut row in leased {
        let recipient = recipient(&mut row);
        match messages.last_mut() {
            Some(message) if message.message_id == row.message_id => {
                message.recipients.push(recipient);
            }
            _ => messages.push(message(row, recipient)),
        }
    }
    messages
}

fn recipient(row: &mut Leased) -> LeasedRecipient {
    LeasedRecipient {
        recipient_id: row.id,
        epoch: row.epoch as u32,
        address: std::mem::take(&mut row.address),
        original_recipient: std::mem::take(&mut row.original_recipient),
        notify: u8::try_from(row.notify).ok().and_then(Notify::from_bits),
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        delay_notified: row.delay_notified,
        retry_asked_at_ms: row.retry_asked_at.unwrap_or(0),
    }
}

/// The message of a row, with its first recipient.
fn message(row: Leased, recipient: LeasedRecipient) -> LeasedMessage {
    MessageFlags::from_bits(row.flags).on(LeasedMessage {
        message_id: row.message_id,
        body_id: row.body_id,
        prefix: row.prefix.into(),
        size: u64::try_from(row.size).unwrap_or(0),
        reverse_path: row.reverse_path,
        received_at_ms: row.received_at,
        envelope_id: row.envelope_id,
        return_content: i32::from(row.return_content),
        recipients: vec![recipient],
        options: options::decode(row.options.as_deref()),
        released_at_ms: row.released_at,
        session: row.session.unwrap_or_default(),
        depth: u32::try_from(row.depth).unwrap_or(0),
        ..LeasedMessage::default()
    })
}

fn until(next: i64, now: i64) -> Duration {
    let wait = u64::try_from(next.saturating_sub(now)).unwrap_or(0);
    Duration::from_millis(wait).clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
}
