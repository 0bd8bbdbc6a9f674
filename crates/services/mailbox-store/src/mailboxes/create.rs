//! Creation of mailboxes.

use api::mailbox::v1::Mailbox;
use sqlx::PgConnection;

use super::lock;
use crate::store::{Store, repeated};
use crate::values::{MailboxName, narrow};
use crate::{Error, Result};

/// The mailboxes of every new user, with the special uses of RFC 6154.
const USUAL: [(&str, &str); 6] = [
    ("INBOX", ""),
    ("Archive", "\\Archive"),
    ("Drafts", "\\Drafts"),
    ("Junk", "\\Junk"),
    ("Sent", "\\Sent"),
    ("Trash", "\\Trash"),
];

/// Maximum number of a user's mailboxes, against abuse.
const MAX_MAILBOXES: i64 = 10_000;

/// Creates a mailbox, and its missing superiors (RFC 9051 §6.3.4).
pub async fn create(
    store: &Store,
    user_id: i64,
    name: &MailboxName,
    special_use: &str,
) -> Result<Mailbox> {
    if !special_use.is_empty() && !USUAL.iter().any(|(_, usual)| *usual == special_use) {
        return Err(Error::Invalid(format!(
            "unknown special use {special_use:?}"
        )));
    }
    repeated(|| try_create(store, user_id, name, special_use)).await
}

async fn try_create(
    store: &Store,
    user_id: i64,
    name: &MailboxName,
    special_use: &str,
) -> Result<Mailbox> {
    let mut transaction = store.begin().await?;
    lock::names_of(&mut transaction, user_id).await?;
    insert_superiors(&mut transaction, user_id, name).await?;
    let made = sqlx::query!(
        "INSERT INTO mailbox.mailbox (user_id, name, special_use) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, name) DO NOTHING
         RETURNING mailbox_id, uid_validity,
                   EXISTS (SELECT FROM mailbox.subscription AS subscription
                           WHERE subscription.user_id = $1 AND subscription.name = $2)
                   AS \"subscribed!\"",
        user_id,
        name.as_str(),
        special_use
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Error::AlreadyExists(format!("mailbox {name}")))?;
    store.commit(transaction, &[]).await?;
    Ok(Mailbox {
        mailbox_id: made.mailbox_id,
        name: name.as_str().to_owned(),
        uid_validity: narrow(made.uid_validity),
        subscribed: made.subscribed,
        special_use: special_use.to_owned(),
    })
}

/// Creates the missing superiors of `name`. The caller has locked the user's names.
pub(super) async fn insert_superiors(
    connection: &mut PgConnection,
    user_id: i64,
    name: &MailboxName,
) -> Result<()> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM mailbox.mailbox WHERE user_id = $1"#,
        user_id
    )
    .fetch_one(&mut *connection)
    .await?;
    if count >= MAX_MAILBOXES {
        return Err(Error::Exhausted("too many mailboxes".into()));
    }
    let superiors: Vec<String> = name.superiors().map(str::to_owned).collect();
    if superiors.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO mailbox.mailbox (user_id, name) SELECT $1, * FROM UNNEST($2::text[])
         ON CONFLICT (user_id, name) DO NOTHING",
        user_id,
        &superiors
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Creates INBOX and the usual mailboxes of a new user, subscribed.
pub async fn insert_usual(connection: &mut PgConnection, user_id: i64) -> Result<()> {
    let (names, uses): (Vec<String>, Vec<String>) = USUAL
        .iter()
        .map(|(name, special_use)| ((*name).to_owned(), (*special_use).to_owned()))
        .unzip();
    sqlx::query!(
        "INSERT INTO mailbox.mailbox (user_id, name, special_use)
         SELECT $1, * FROM UNNEST($2::text[], $3::text[])",
        user_id,
        &names,
        &uses
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO mailbox.subscription (user_id, name) SELECT $1, * FROM UNNEST($2::text[])",
        user_id,
        &names
    )
    .execute(connection)
    .await?;
    Ok(())
}
