//! A message being received: passed through the scanner; its text is kept in memory while it is small, and
//! otherwise uploaded in pieces as it arrives. Holds at most a header section and five pieces (I7), and one
//! part up to a limit where attachments are removed.

use std::sync::Arc;

use api::grpc::{Channel, Status};
use api::message::v1::{Content, content};
use api::text_upload::{INLINE_LIMIT, TextUpload};
use bytes::{Bytes, BytesMut};
use message::attachments::{Blocked, Finding, Screen};
use message::{ScanError, Scanner};
use rules::BlockedAttachments;

use crate::screening::screen;
use crate::summary;

/// Octets that are screened before other tasks run: unpacked, they may become a thousand times as many.
const SCREENED_AT_A_TIME: usize = 8 * 1024;

/// The reason why a message is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// It exceeds a limit of the scanner.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// It has a blocked attachment.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// It contains a NUL octet, which is not allowed (RFC 5322 §2.2, §2.3) and which neither SMTP nor IMAP
    /// can transfer.
    #[error("the message holds a NUL octet")]
    Nul,
    /// Its text cannot be stored.
    #[error("the text cannot be stored: {0}")]
    Upload(#[from] Status),
}

/// A complete message, and the result of its screening.
#[derive(Debug)]
pub struct Screened {
    /// The header fields added before it, as whole lines.
    pub prefix: Bytes,
    /// Its content, for the queue and mailbox-store.
    pub content: Content,
    /// The removed attachments.
    pub removed: Vec<Finding>,
    /// The reason for quarantine, if any.
    pub found: Option<Blocked>,
}

/// The result of screening a message's attachments.
#[derive(Debug, Default)]
pub struct Seen {
    /// The removed attachments.
    pub removed: Vec<Finding>,
    /// The reason for quarantine, if any.
    pub found: Option<Blocked>,
}

/// Receives the octets of one message, for an Enqueue or an Append. Unusable after an error.
pub struct Intake {
    screen: Option<Screen>,
    scanner: Scanner,
    /// Text that is not uploaded yet.
    text: BytesMut,
    text_size: u64,
    /// Our own fields; see [`put_above`](Self::put_above).
    prefix: String,
    upload: Option<TextUpload>,
    begin_upload: fn(Channel) -> TextUpload,
    channel: Channel,
}

impl Intake {
    /// For a message to be enqueued over `channel`.
    #[must_use]
    pub fn to_queue(channel: Channel) -> Self {
        Self::new(channel, TextUpload::to_queue)
    }

    /// For a message to be appended to a mailbox over `channel`.
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

    /// Reserves space for this number of octets.
    #[must_use]
    pub fn expecting(mut self, octets: u64) -> Self {
        self.text.reserve(octets.min(INLINE_LIMIT as u64) as usize);
        self
    }

    /// Screens for blocked attachments, and removes or only reports them, as the rules say.
    #[must_use]
    pub fn screened(mut self, rules: &Arc<BlockedAttachments>) -> Self {
        self.screen = screen(rules);
        self
    }

    /// Receives the next octets; waits while the store is slower.
    ///
    /// # Errors
    /// If the header section is too large, there is a NUL, an attachment is blocked, or the upload has
    /// failed.
    pub async fn push(&mut self, piece: &[u8]) -> Result<(), IntakeError> {
        if piece.contains(&0) {
            return Err(IntakeError::Nul);
        }
        if piece.is_empty() {
            return Ok(());
        }
        self.look(piece).await
    }

    /// Adds our own header fields, as whole lines, above the existing ones.
    ///
    /// They are not part of the content (I12), and do not count towards the limit of the header section. A
    /// message without a header section gets an empty one from the scanner, so that its text does not
    /// follow them directly.
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

    /// The header section, as far as it has arrived.
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
        // The reason is in the upload's answer.
        match self.upload.take() {
            Some(upload) => Err(upload.finish().await.err().unwrap_or(broken_off)),
            None => Err(broken_off),
        }
    }

    /// Ends the message and returns its content for the queue and mailbox-store.
    ///
    /// # Errors
    /// If an attachment is blocked, or the text could not be stored completely.
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

    /// Ends the message and returns the result of screening.
    ///
    /// # Errors
    /// If an attachment is blocked, or the upload has failed.
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
                content::Text::Stored(stored.name)
            }
            None => content::Text::Inline(self.text.freeze()),
        };
        let scanned = self.scanner.finish()?;
        Ok(Content {
            header: scanned.header,
            text: Some(text),
            text_size: self.text_size,
            summary: Some(summary(scanned.summary)),
        })
    }
}

#[cfg(test)]
mod tests;
