//! The row lock of a mailbox. Only its holder changes the mailbox's messages, so UIDs and MODSEQs become
//! visible in order (I5).
//!
//! The lock checks the owner: another user's mailbox is treated as missing.
//!
//! Several mailboxes are locked in the order of their ids, in one statement, before anything that depends on
//! them. Two transactions therefore cannot deadlock.

use std::collections::HashMap;

use api::mailbox::v1::MailboxState;
use sqlx::PgConnection;

use crate::values::{MailboxName, narrow, unsigned};
use crate::{Error, Result};

/// A mailbox's row, while its lock is held.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Its id.
    pub mailbox_id: i64,
    /// Its UIDVALIDITY.
    pub uid_validity: i64,
    /// The UID of the next message.
    pub uid_next: i64,
    /// The highest MODSEQ assigned so far.
    pub highest_modseq: i64,
    /// Keywords known in it.
    pub keywords: Vec<String>,
}

impl Locked {
    /// The MODSEQ for the changes of this transaction.
    pub fn next_modseq(&self) -> i64 {
        self.highest_modseq + 1
    }
}

/// Locks mailboxes of this user by id; missing ones are left out.
pub async fn all(
    connection: &mut PgConnection,
    user_id: i64,
    mailbox_ids: &[i64],
) -> Result<HashMap<i64, Locked>> {
    let rows = sqlx::query_as!(
        Locked,
        "SELECT mailbox_id, uid_validity, uid_next, highest_modseq, keywords
         FROM mailbox.mailbox WHERE mailbox_id = ANY($1) AND user_id = $2
         ORDER BY mailbox_id FOR NO KEY UPDATE",
        mailbox_ids,
        user_id
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.mailbox_id, row)).collect())
}

/// Locks one mailbox of this user.
pub async fn one(connection: &mut PgConnection, user_id: i64, mailbox_id: i64) -> Result<Locked> {
    all(connection, user_id, &[mailbox_id])
        .await?
        .remove(&mailbox_id)
        .ok_or_else(|| missing(mailbox_id))
}

/// Looks up a mailbox by name, and locks it.
pub async fn named(
    connection: &mut PgConnection,
    user_id: i64,
    name: &MailboxName,
) -> Result<Locked> {
    let mailbox_id = id_of(connection, user_id, name).await?;
    // Renamed or deleted in between: the name no longer exists.
    one(connection, user_id, mailbox_id)
        .await
        .map_err(|error| match error {
            Error::NotFound(_) => no_such_name(name),
            other => other,
        })
}

/// Fails if the mailbox does not exist.
pub async fn exists(connection: &mut PgConnection, mailbox_id: i64) -> Result<()> {
    sqlx::query_scalar!(
        "SELECT mailbox_id FROM mailbox.mailbox WHERE mailbox_id = $1",
        mailbox_id
    )
    .fetch_optional(connection)
    .await?
    .map(drop)
    .ok_or_else(|| missing(mailbox_id))
}

/// The id of the mailbox with this name.
pub async fn id_of(connection: &mut PgConnection, user_id: i64, name: &MailboxName) -> Result<i64> {
    sqlx::query_scalar!(
        "SELECT mailbox_id FROM mailbox.mailbox WHERE user_id = $1 AND name = $2",
        user_id,
        name.as_str()
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| no_such_name(name))
}

/// Locks the user's row against removal and against concurrent changes of mailbox names.
pub async fn names_of(connection: &mut PgConnection, user_id: i64) -> Result<()> {
    sqlx::query_scalar!(
        "SELECT user_id FROM mailbox.user WHERE user_id = $1 FOR NO KEY UPDATE",
        user_id
    )
    .fetch_optional(connection)
    .await?
    .map(drop)
    .ok_or_else(|| Error::NotFound(format!("user {user_id}")))
}

/// The error for a missing mailbox.
pub fn missing(mailbox_id: i64) -> Error {
    Error::NotFound(format!("mailbox {mailbox_id}"))
}

/// The error for a missing name.
pub fn no_such_name(name: &MailboxName) -> Error {
    Error::NotFound(format!("mailbox {name}"))
}

/// A mailbox's row without its lock, for STATUS and SELECT.
#[derive(Debug)]
pub struct State {
    /// Its id.
    pub mailbox_id: i64,
    /// Its UIDVALIDITY.
    pub uid_validity: i64,
    /// The UID of the next message.
    pub uid_next: i64,
    /// The highest MODSEQ assigned so far.
    pub highest_modseq: i64,
    /// Number of messages.
    pub messages: i64,
    /// Number of messages without `\Seen`.
    pub unseen: i64,
    /// Number of messages with `\Deleted`.
    pub deleted: i64,
    /// Total octets of the messages.
    pub size: i64,
}

impl From<State> for MailboxState {
    fn from(state: State) -> Self {
        Self {
            mailbox_id: state.mailbox_id,
            uid_validity: narrow(state.uid_validity),
            uid_next: narrow(state.uid_next),
            highest_modseq: unsigned(state.highest_modseq),
            messages: narrow(state.messages),
            unseen: narrow(state.unseen),
            deleted: narrow(state.deleted),
            size: unsigned(state.size),
        }
    }
}
