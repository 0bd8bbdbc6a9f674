//! Entries as rows of the database.

use api::queue::v1::Notify;
use sqlx::{Acquire, Connection, PgConnection};

use super::entry::{Entry, EntryState};
use crate::error::Error;
use crate::sql::collected::Identity;
use crate::sql::enqueue::{BodyColumns, Columns, RecipientColumns};
use crate::sql::{self, recipient_id};
use crate::submission::{Body, NewBody};

pub(super) fn quarantined(entries: &[Entry], now: i64) -> sql::quarantine::Columns<'_> {
    let mut columns = sql::quarantine::Columns::default();
    for entry in entries.iter().filter(|entry| entry.is_new()) {
        if let Some(quarantine) = &entry.submission.quarantine {
            columns.message_id.push(entry.id);
            columns.reason.push(&quarantine.reason);
            columns.until.push(now + quarantine.keep_ms);
            columns.hold_until.push(entry.submission.hold_until);
        }
    }
    columns
}

/// Whether it needs more than one statement.
pub(super) fn is_rare(entry: &Entry) -> bool {
    needs_look(entry) || entry.submission.quarantine.is_some()
}

fn needs_look(entry: &Entry) -> bool {
    let has_body = match &entry.submission.body {
        Body::New(body) => body.upload.is_none(),
        Body::Stored(_) => false,
    };
    !has_body || entry.submission.collected.is_some()
}

/// Checks an entry: whether the ledger has it already, and whether its text or body exists.
pub(super) async fn look_at(
    connection: &mut PgConnection,
    entry: &mut Entry,
    now: i64,
) -> Result<(), sqlx::Error> {
    entry.state = EntryState::New;
    if !needs_look(entry) {
        return Ok(());
    }
    // A refused entry must neither undo the others nor leave a trace.
    let mut savepoint = Connection::begin(connection).await?;
    let connection = savepoint.acquire().await?;
    if let Some(collected) = &entry.submission.collected {
        let identity = Identity {
            account: &collected.account,
            remote_id: &collected.remote_id,
            content_hash: &collected.content_hash,
        };
        if let Some(known) = sql::collected::note(connection, identity, entry.id, now).await? {
            entry.state = EntryState::Duplicate(known);
            return savepoint.rollback().await;
        }
    }
    match find_body(connection, &entry.submission.body).await {
        Ok(None) => {}
        Ok(Some(size)) => entry.body_size = size,
        Err(volume::Error::Database(error)) => return Err(error),
        Err(error) => {
            entry.state = EntryState::Refused(match Error::from(error) {
                // The missing object is not the one that was requested but one that the request refers to.
                Error::NotFound(what) => Error::Invalid(what),
                error => error,
            });
            return savepoint.rollback().await;
        }
    }
    savepoint.commit().await
}

/// Claims what a message refers to: the uploaded text for its body, or the stored body. Returns the body's
/// size.
async fn find_body(
    connection: &mut PgConnection,
    body: &Body,
) -> Result<Option<i64>, volume::Error> {
    match body {
        Body::New(body) => match body.upload {
            Some(text) => volume::claim(connection, text).await.map(|()| None),
            None => Ok(None),
        },
        Body::Stored(id) => volume::refer_to(connection, *id).await.map(Some),
    }
}

pub(super) fn columns(entries: &[Entry], now: i64, lease_end: i64) -> Columns<'_> {
    let mut columns = Columns::default();
    for entry in entries.iter().filter(|entry| entry.is_new()) {
        let submission = &entry.submission;
        if let Body::New(body) = &submission.body {
            body_columns(entry, body, &mut columns.body);
        }
        columns.id.push(entry.id);
        columns.body_id.push(entry.body_id);
        columns.prefix.push(&submission.prefix);
        columns.size.push(entry.size());
        columns.reverse_path.push(&submission.reverse_path);
        columns.flags.push(submission.flags.bits());
        columns.envelope_id.push(&submission.envelope_id);
        columns.return_content.push(submission.return_content);
        columns.origin.push(&submission.origin);
        columns.policy_revision.push(submission.policy_revision);
        let options = submission.options.as_ref();
        columns
            .options
            .push(options.map(|options| &*options.encoded));
        columns.released_at.push(submission.hold_until);
        columns.session.push(submission.source.session());
        columns.depth.push(entry.depth());
        // At most 10,000, so it fits.
        columns.recipients.push(submission.recipients.len() as i32);
        recipient_columns(entry, now, lease_end, &mut columns.recipient);
    }
    columns
}

fn body_columns<'a>(entry: &'a Entry, body: &'a NewBody, columns: &mut BodyColumns<'a>) {
    columns.id.push(entry.body_id);
    columns.size.push(entry.body_size);
    columns.header.push(&body.header);
    columns.summary.push(&body.summary.encoded);
    columns.scanner_version.push(body.summary.scanner_version);
    columns.text.push(match &body.text {
        volume::Text::Inline(text) => Some(text),
        volume::Text::Uploaded(_) => None,
    });
}

fn recipient_columns<'a>(
    entry: &'a Entry,
    now: i64,
    lease_end: i64,
    columns: &mut RecipientColumns<'a>,
) {
    let first_due = entry.submission.first_due(now);
    for (n, recipient) in entry.submission.recipients.iter().enumerate() {
        columns.id.push(recipient_id(entry.id, n));
        columns.address.push(&recipient.address);
        columns
            .original_recipient
            .push(&recipient.original_recipient);
        columns
            .notify
            .push(i16::from(Notify::bits(recipient.notify)));
        let (epoch, due_at, worker) = match entry.holders().get(n) {
            Some((_, name)) => (1, lease_end, &**name),
            None => (0, first_due, ""),
        };
        columns.epoch.push(epoch);
        columns.due_at.push(due_at);
        columns.worker.push(worker);
    }
}
