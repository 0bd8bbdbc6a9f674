//! A message on its way in: through the scanner, its text kept while it is small and uploaded in
//! pieces as it arrives once it is not. Holds at most a header section and five pieces (I7), and
//! where attachments are taken out one part up to a limit.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use channel::Channel;
use message_crate::attachments::{Blocked, Finding, Screen};
use message_crate::{ScanError, Scanner};
use rules::BlockedAttachments;
use tonic::Status;

use crate::message::v1::{Content, content};
use crate::screening::screen;
use crate::text_upload::{INLINE_LIMIT, TextUpload};

/// Octets that the screen looks at before others have their turn: unpacked, they may be a thousand times
/// as many.
const SCREENED_AT_A_TIME: usize = 8 * 1024;

/// Why a message cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// It breaks a limit of the scanner.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// It has an attachment that the rules block.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// It holds a NUL octet: no message may (RFC 5322 §2.2, §2.3), and neither SMTP nor IMAP can carry it.
    #[error("the message holds a NUL octet")]
    Nul,
    /// Its text cannot be stored.
    #[error("the text cannot be stored: {0}")]
    Upload(#[from] Status),
}

/// A message that has ended, and what was seen of its attachments.
#[derive(Debug)]
pub struct Screened {
    /// The header fields that were put before it, whole lines.
    pub prefix: Bytes,
    /// What the queue and the mailbox store want to know of it.
    pub content: Content,
    /// The attachments that were taken out.
    pub removed: Vec<Finding>,
    /// Why the rules want it in quarantine.
    pub found: Option<Blocked>,
}

/// What was seen of the attachments of a message.
#[derive(Debug, Default)]
pub struct Seen {
    /// The attachments that were taken out.
    pub removed: Vec<Finding>,
    /// Why the rules want it in quarantine.
    pub found: Option<Blocked>,
}

/// Takes the octets of one message, for an Enqueue or an Append. Behind an error it is of no use.
pub struct Intake {
    screen: Option<Screen>,
    scanner: Scanner,
    /// Text that is not uploaded yet.
    text: BytesMut,
    text_size: u64,
    /// Fields of our own; see [`put_above`](Self::put_above).
    prefix: String,
    upload: Option<TextUpload>,
    begin_upload: fn(Channel) -> TextUpload,
    channel: Channel,
}

impl Intake {
    /// For a message that will be enqueued over `channel`.
    #[must_use]
    pub fn to_queue(channel: Channel) -> Self {
        Self::new(channel, TextUpload::to_queue)
    }

    /// For a message that will be appended to a mailbox over `channel`.
    #[must_use]
    pub fn to_mailbox_store(channel: Channel) -> Self {
        Self::new(channel, TextUpload::to_mailbox_store)
    }

    fn new(channel: Channel, begin_upload: fn(Channel) -> TextUpload) -> Self {
        Self {
            screen: None,
            scanner: Scanner::new(),
            text: BytesMut::new(),
            text_size: 0,
            prefix: String::new(),
            upload: None,
            begin_upload,
            channel,
        }
    }

    /// Makes room for about so many octets at once.
    #[must_use]
    pub fn expecting(mut self, octets: u64) -> Self {
        self.text.reserve(octets.min(INLINE_LIMIT as u64) as usize);
        self
    }

    /// Looks for attachments that the rules block, and takes them out or only tells of them where
    /// the rules say so.
    #[must_use]
    pub fn screened(mut self, rules: &Arc<BlockedAttachments>) -> Self {
        self.screen = screen(rules);
        self
    }

    /// Takes the next octets; waits while the store is behind.
    ///
    /// # Errors
    /// When the header section is too large, there is a NUL, an attachment is blocked, or the store
    /// has given up.
    pub async fn push(&mut self, piece: &[u8]) -> Result<(), IntakeError> {
        if piece.contains(&0) {
            return Err(IntakeError::Nul);
        }
        if piece.is_empty() {
            return Ok(());
        }
        self.look(piece).await
    }

    /// Puts header fields of our own, whole lines, before the message and before those that are there.
    ///
    /// They are no part of its content (I12), and do not count towards the limit of its header section. A
    /// message without a header section does not run into them: the scanner gives it an empty one.
    pub fn put_above(&mut self, fields: &str) {
        self.prefix.insert_str(0, fields);
    }

    async fn look(&mut self, piece: &[u8]) -> Result<(), IntakeError> {
        let Some(mut screen) = self.screen.take() else {
            return self.take(piece).await;
        };
        for (n, piece) in piece.chunks(SCREENED_AT_A_TIME).enumerate() {
            if n > 0 {
                tokio::task::yield_now().await;
            }
            self.take(screen.push(piece)?).await?;
        }
        self.screen = Some(screen);
        Ok(())
    }

    async fn take(&mut self, piece: &[u8]) -> Result<(), IntakeError> {
        let text = self.scanner.push(piece)?;
        let mut text = &*text;
        self.text_size += text.len() as u64;
        while self.text.len() + text.len() > INLINE_LIMIT {
            let (now, later) = text.split_at(INLINE_LIMIT - self.text.len());
            self.text.extend_from_slice(now);
            text = later;
            let piece = self.text.split().freeze();
            self.upload(piece).await?;
            self.text.reserve(INLINE_LIMIT);
        }
        self.text.extend_from_slice(text);
        Ok(())
    }

    /// The header section as far as it has come.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.scanner.header()
    }

    async fn upload(&mut self, piece: Bytes) -> Result<(), Status> {
        let (begin, channel) = (self.begin_upload, &self.channel);
        let upload = self.upload.get_or_insert_with(|| begin(channel.clone()));
        let Err(broken_off) = upload.send(piece).await else {
            return Ok(());
        };
        // Why, the answer to the upload tells.
        match self.upload.take() {
            Some(upload) => Err(upload.finish().await.err().unwrap_or(broken_off)),
            None => Err(broken_off),
        }
    }

    /// The message has ended: what the queue and the mailbox store want to know of it.
    ///
    /// # Errors
    /// When an attachment is blocked, or not all of the text is stored.
    pub async fn finish(mut self) -> Result<Content, IntakeError> {
        self.end_screening().await?;
        self.store().await
    }

    /// [`end_screening`](Self::end_screening) and [`finish`](Self::finish).
    ///
    /// # Errors
    /// The same.
    pub async fn finish_screened(mut self) -> Result<Screened, IntakeError> {
        let Seen { removed, found } = self.end_screening().await?;
        Ok(Screened {
            prefix: std::mem::take(&mut self.prefix).into(),
            content: self.store().await?,
            removed,
            found,
        })
    }

    /// The message has ended: what was seen of its attachments.
    ///
    /// # Errors
    /// When an attachment is blocked, or the store has given up.
    pub async fn end_screening(&mut self) -> Result<Seen, IntakeError> {
        let Some(mut screen) = self.screen.take() else {
            return Ok(Seen::default());
        };
        self.take(screen.finish()?).await?;
        Ok(Seen {
            removed: screen.removed().to_vec(),
            found: screen.found().cloned(),
        })
    }

    async fn store(mut self) -> Result<Content, IntakeError> {
        if self.upload.is_some() && !self.text.is_empty() {
            let piece = self.text.split().freeze();
            self.upload(piece).await?;
        }
        let text = match self.upload {
            Some(upload) => {
                let stored = upload.finish().await?;
                if stored.size != self.text_size {
                    return Err(Status::data_loss("the stored text has another size").into());
                }
                content::Text::Stored(stored.id)
            }
            None => content::Text::Inline(self.text.freeze()),
        };
        let scanned = self.scanner.finish()?;
        Ok(Content {
            header: scanned.header,
            text: Some(text),
            text_size: self.text_size,
            summary: Some(scanned.summary.into()),
        })
    }
}

#[cfg(test)]
mod tests;
