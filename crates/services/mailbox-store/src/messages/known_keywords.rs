//! The keywords of a mailbox, each in its first spelling.

use sqlx::PgConnection;

use crate::mailboxes::lock::Locked;
use crate::values::{Keywords, UidSet};
use crate::{Error, Result};

/// Maximum number of keywords in use in one mailbox, since SELECT lists them all.
const MAX_KNOWN: usize = 500;

/// The keywords in the spelling of the locked mailbox, to which new ones are added.
pub(super) async fn learn(
    connection: &mut PgConnection,
    mailbox: &Locked,
    keywords: Keywords,
) -> Result<Vec<String>> {
    let (spelled, new) = keywords.spelled_as(&mailbox.keywords);
    if new.is_empty() {
        return Ok(spelled);
    }
    let mut known = mailbox.keywords.clone();
    if known.len() + new.len() > MAX_KNOWN {
        known = in_use(connection, mailbox.mailbox_id).await?;
    }
    known.extend(new);
    if known.len() > MAX_KNOWN {
        return Err(Error::Exhausted("too many keywords in one mailbox".into()));
    }
    sqlx::query!(
        "UPDATE mailbox.mailbox SET keywords = $2 WHERE mailbox_id = $1",
        mailbox.mailbox_id,
        &known
    )
    .execute(connection)
    .await?;
    Ok(spelled)
}

async fn in_use(connection: &mut PgConnection, mailbox_id: i64) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT keyword AS "keyword!"
           FROM mailbox.message CROSS JOIN UNNEST(keywords) AS keyword
           WHERE mailbox_id = $1 ORDER BY 1"#,
        mailbox_id
    )
    .fetch_all(connection)
    .await?)
}

/// The keywords on some messages.
pub(super) async fn on_messages(
    connection: &mut PgConnection,
    mailbox_id: i64,
    uids: &UidSet,
) -> Result<Keywords> {
    let names = sqlx::query_scalar!(
        r#"SELECT DISTINCT keyword AS "keyword!"
           FROM UNNEST($2::bigint[], $3::bigint[]) AS range (first, last)
           CROSS JOIN LATERAL (
               SELECT keywords FROM mailbox.message
               WHERE mailbox_id = $1 AND uid BETWEEN range.first AND range.last
               ORDER BY uid) AS message
           CROSS JOIN UNNEST(keywords) AS keyword"#,
        mailbox_id,
        &uids.firsts(),
        &uids.lasts()
    )
    .fetch_all(connection)
    .await?;
    Ok(Keywords::of_messages(names))
}
