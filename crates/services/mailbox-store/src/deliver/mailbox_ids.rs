//! Destinations of deliveries: mailbox ids by address and name, cached. The mailbox's lock shows when an
//! entry is out of date.

use std::collections::{HashMap, HashSet};

use moka::sync::Cache;
use sqlx::PgConnection;

use super::Delivery;
use crate::Result;
use crate::values::MailboxName;

/// Maximum number of cached entries.
const MOST: u64 = 100_000;

/// A user's address and the name of a mailbox of theirs.
pub(super) type MailboxKey<'a> = (&'a str, &'a MailboxName);

impl Delivery {
    pub(super) fn mailbox_key(&self) -> MailboxKey<'_> {
        (&self.user, &self.mailbox)
    }
}

/// The cache.
#[derive(Debug)]
pub(super) struct MailboxIds {
    known: Cache<(String, MailboxName), i64>,
}

impl MailboxIds {
    pub(super) fn new() -> Self {
        Self {
            known: Cache::new(MOST),
        }
    }

    /// The mailboxes of those users that exist.
    pub(super) async fn find<'a>(
        &self,
        connection: &mut PgConnection,
        keys: HashSet<MailboxKey<'a>>,
    ) -> Result<HashMap<MailboxKey<'a>, i64>> {
        let mut found = HashMap::with_capacity(keys.len());
        let mut unknown = Vec::new();
        for key in keys {
            match self.known.get(&owned(key)) {
                Some(mailbox_id) => _ = found.insert(key, mailbox_id),
                None => unknown.push(key),
            }
        }
        if !unknown.is_empty() {
            self.look_up(connection, &unknown, &mut found).await?;
        }
        Ok(found)
    }

    async fn look_up<'a>(
        &self,
        connection: &mut PgConnection,
        unknown: &[MailboxKey<'a>],
        found: &mut HashMap<MailboxKey<'a>, i64>,
    ) -> Result<()> {
        let (addresses, names): (Vec<&str>, Vec<&str>) = unknown
            .iter()
            .map(|(address, name)| (*address, name.as_str()))
            .unzip();
        // As a sub-select, so that each user is looked up by index however few users there are now.
        let rows = sqlx::query!(
            r#"SELECT (SELECT mailbox_id FROM mailbox.user JOIN mailbox.mailbox USING (user_id)
                       WHERE address = asked.address AND name = asked.name) AS named,
                      (SELECT mailbox_id FROM mailbox.user JOIN mailbox.mailbox USING (user_id)
                       WHERE address = asked.address AND name = 'INBOX') AS inbox
               FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS asked (address, name, n)
               ORDER BY n"#,
            &addresses as &[&str],
            &names as &[&str]
        )
        .fetch_all(connection)
        .await?;
        for (asked, row) in unknown.iter().zip(rows) {
            if let Some(mailbox_id) = row.named {
                self.known.insert(owned(*asked), mailbox_id);
            }
            // A missing mailbox is not cached: it may be created at any time.
            if let Some(mailbox_id) = row.named.or(row.inbox) {
                found.insert(*asked, mailbox_id);
            }
        }
        Ok(())
    }

    /// Removes an entry that is out of date.
    pub(super) fn forget(&self, key: MailboxKey<'_>) {
        self.known.invalidate(&owned(key));
    }
}

fn owned((address, name): MailboxKey<'_>) -> (String, MailboxName) {
    (address.to_owned(), name.clone())
}
