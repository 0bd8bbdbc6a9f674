//! A message on its way in: through the scanner, its text kept while it is small and uploaded in
//! pieces as it arrives once it is not. Holds at most a header section and five pieces (I7).

use bytes::BytesMut;
use message_crate::{ScanError, Scanner};
use tonic::Status;
use tonic::transport::Channel;

use crate::message::v1::{Content, content};
use crate::text_upload::{INLINE_LIMIT, TextUpload};

/// Why a message cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// It breaks a limit of the scanner.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The queue does not store its text.
    #[error("the text cannot be stored: {0}")]
    Upload(#[from] Status),
}

/// Takes the octets of one message, for an Enqueue.
pub struct Intake {
    scanner: Scanner,
    /// Text that is not uploaded yet.
    text: BytesMut,
    text_size: u64,
    upload: Option<TextUpload>,
    queue: Channel,
}

impl Intake {
    /// For a message that is to be enqueued over `queue`.
    #[must_use]
    pub fn new(queue: Channel) -> Self {
        Self {
            scanner: Scanner::new(),
            text: BytesMut::new(),
            text_size: 0,
            upload: None,
            queue,
        }
    }

    /// Takes the next octets; waits while the queue is behind.
    ///
    /// # Errors
    /// When the header section is too large, or the queue has given up.
    pub async fn push(&mut self, piece: &[u8]) -> Result<(), IntakeError> {
        let mut text = self.scanner.push(piece)?;
        self.text_size += text.len() as u64;
        while self.text.len() + text.len() > INLINE_LIMIT {
            let (now, later) = text.split_at(INLINE_LIMIT - self.text.len());
            self.text.extend_from_slice(now);
            text = later;
            self.upload_text().await?;
        }
        self.text.extend_from_slice(text);
        Ok(())
    }

    /// The header section as far as it has come.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.scanner.header()
    }

    async fn upload_text(&mut self) -> Result<(), Status> {
        let queue = &self.queue;
        let upload = self
            .upload
            .get_or_insert_with(|| TextUpload::to_queue(queue.clone()));
        upload.send(self.text.split().freeze()).await
    }

    /// The message has ended: what Enqueue wants to know of it.
    ///
    /// # Errors
    /// When the queue has not stored all of the text.
    pub async fn finish(mut self) -> Result<Content, IntakeError> {
        if self.upload.is_some() && !self.text.is_empty() {
            self.upload_text().await?;
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
