//! A message on its way in: through the scanner, its text kept while it is small and uploaded in
//! pieces as it arrives once it is not. Holds at most a header section and five pieces.

use api::grpc::{Channel, Status};
use api::message::v1::{Content, content};
use api::text_upload::{INLINE_LIMIT, TextUpload};
use bytes::BytesMut;
use message::{ScanError, Scanner};

/// Why a message cannot be taken on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error("the text cannot be stored: {0}")]
    Upload(#[from] Status),
}

/// See the module.
pub(crate) struct Intake {
    scanner: Scanner,
    /// Text that is not uploaded yet.
    text: BytesMut,
    text_size: u64,
    upload: Option<TextUpload>,
    queue: Channel,
}

impl Intake {
    /// For a message of about `size` octets, behind `trace`, the header fields that we add.
    pub(crate) fn new(queue: Channel, trace: &str, size: Option<u64>) -> Result<Self, IntakeError> {
        let expected = size.unwrap_or(4096).min(INLINE_LIMIT as u64) as usize;
        let mut scanner = Scanner::new();
        scanner.push(trace.as_bytes())?;
        Ok(Self {
            scanner,
            text: BytesMut::with_capacity(expected),
            text_size: 0,
            upload: None,
            queue,
        })
    }

    /// Takes the next octets of the message.
    pub(crate) async fn push(&mut self, piece: &[u8]) -> Result<(), IntakeError> {
        let mut text = self.scanner.push(piece)?;
        self.text_size += text.len() as u64;
        while self.text.len() + text.len() > INLINE_LIMIT {
            let (now, later) = text.split_at(INLINE_LIMIT - self.text.len());
            self.text.extend_from_slice(now);
            text = later;
            self.upload_text().await?;
            self.text.reserve(INLINE_LIMIT);
        }
        self.text.extend_from_slice(text);
        Ok(())
    }

    async fn upload_text(&mut self) -> Result<(), Status> {
        let queue = &self.queue;
        let upload = self
            .upload
            .get_or_insert_with(|| TextUpload::to_queue(queue.clone()));
        upload.send(self.text.split().freeze()).await
    }

    /// The message has ended.
    pub(crate) async fn finish(mut self) -> Result<Content, IntakeError> {
        let text = if self.upload.is_some() {
            if !self.text.is_empty() {
                self.upload_text().await?;
            }
            let stored = match self.upload {
                Some(upload) => upload.finish().await?,
                None => return Err(Status::internal("no upload").into()),
            };
            if stored.size != self.text_size {
                return Err(Status::data_loss("the stored text has another size").into());
            }
            content::Text::Stored(stored.id)
        } else {
            content::Text::Inline(self.text.freeze())
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
