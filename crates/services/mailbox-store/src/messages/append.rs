//! APPEND: messages stored by clients.

use api::mailbox::v1::AppendResponse;
use api::message::v1::{Content, content};
use bytes::Bytes;
use prost::Message as _;
use volume::summaries::Summary;
use volume::{NewBody, StoredText, Text};

use super::known_keywords;
use crate::mailboxes::lock;
use crate::notices::Notice;
use crate::store::{Store, repeated};
use crate::values::{Keywords, MailboxName, flag, narrow, unsigned};
use crate::{Error, Result, clock};

/// Maximum size of a header section.
const MAX_HEADER: usize = 128 * 1024;

/// A message and its destination.
#[derive(Debug)]
pub struct Append {
    /// Owner of the mailbox.
    pub user_id: i64,
    /// Name of the mailbox.
    pub mailbox: MailboxName,
    /// Bits of system flags.
    pub system: i32,
    /// Keywords.
    pub keywords: Keywords,
    /// Milliseconds since 1970; `None` for now.
    pub internal_date: Option<i64>,
    body: Body,
}

/// The body of a message: new, or an uploaded one.
#[derive(Debug)]
struct Body {
    header: Bytes,
    text: content::Text,
    text_size: u64,
    summary: Summary,
}

impl Append {
    /// Checks the content.
    pub fn new(user_id: i64, mailbox: MailboxName, content: Content) -> Result<Self> {
        let invalid = |what: &str| Err(Error::Invalid(what.to_owned()));
        if content.header.len() > MAX_HEADER {
            return invalid("the header section is too long");
        }
        let Some(summary) = content.summary else {
            return invalid("the content has no summary");
        };
        let text = content
            .text
            .unwrap_or_else(|| content::Text::Inline(Bytes::new()));
        match &text {
            content::Text::Inline(text) if text.len() > volume::INLINE_LIMIT => {
                return invalid("the text is too long to travel inline");
            }
            content::Text::Inline(text) if text.len() as u64 != content.text_size => {
                return invalid("the text has not the size that is declared");
            }
            _ => {}
        }
        Ok(Self {
            user_id,
            mailbox,
            system: 0,
            keywords: Keywords::default(),
            internal_date: None,
            body: Body {
                header: content.header,
                text,
                text_size: content.text_size,
                summary: Summary::new(summary.scanner_version, summary.encode_to_vec()),
            },
        })
    }
}

/// Appends a message.
pub async fn append(store: &Store, append: &Append) -> Result<AppendResponse> {
    store.has_room()?;
    let (id, text, upload) = match &append.body.text {
        content::Text::Inline(text) => {
            let id = store.body_ids().take(store.pool()).await?;
            (id, Text::Inline(text.clone()), None)
        }
        content::Text::Stored(name) => {
            let upload = StoredText::named(name, append.body.text_size)?;
            (upload.id, Text::Uploaded(upload.size), Some(upload))
        }
        content::Text::Body(_) => {
            return Err(Error::Invalid("an append brings its own text".to_owned()));
        }
    };
    let body = NewBody {
        id,
        header: append.body.header.clone(),
        text,
        summary: append.body.summary.clone(),
        created_at: clock::now(),
    };
    repeated(|| try_append(store, append, &body, upload)).await
}

async fn try_append(
    store: &Store,
    append: &Append,
    body: &NewBody,
    upload: Option<StoredText>,
) -> Result<AppendResponse> {
    let mut transaction = store.begin().await?;
    // Before the lock, so that others do not wait while octets are transferred. This also reports a missing
    // mailbox early.
    lock::id_of(&mut transaction, append.user_id, &append.mailbox).await?;
    if let Some(upload) = upload {
        volume::claim(&mut transaction, upload).await?;
    }
    volume::insert(&mut transaction, std::slice::from_ref(body)).await?;
    let mailbox = lock::named(&mut transaction, append.user_id, &append.mailbox).await?;
    let keywords =
        known_keywords::learn(&mut transaction, &mailbox, append.keywords.clone()).await?;
    let size = body.size();
    let bit = |flag: i32| i64::from(append.system & flag != 0);
    sqlx::query!(
        "WITH message AS (
             INSERT INTO mailbox.message (mailbox_id, uid, modseq, body_id, internal_date, size,
                                          flags, keywords, prefix)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, ''))
         UPDATE mailbox.mailbox
         SET uid_next = $2 + 1, highest_modseq = $3, messages = messages + 1,
             unseen = unseen + $9, deleted = deleted + $10, size = size + $6
         WHERE mailbox_id = $1",
        mailbox.mailbox_id,
        mailbox.uid_next,
        mailbox.next_modseq(),
        body.id,
        append.internal_date.unwrap_or(body.created_at),
        size,
        append.system,
        &keywords,
        1 - bit(flag::SEEN),
        bit(flag::DELETED)
    )
    .execute(&mut *transaction)
    .await?;
    let change = (mailbox.mailbox_id, unsigned(mailbox.next_modseq()));
    store
        .commit(transaction, &[Notice::Mailboxes(vec![change])])
        .await?;
    Ok(AppendResponse {
        uid_validity: narrow(mailbox.uid_validity),
        uid: narrow(mailbox.uid_next),
        mailbox_id: mailbox.mailbox_id,
    })
}
