//! The message of an APPEND on its way to the store: summed up as it passes, its text kept while
//! it is small and uploaded when it is not (I7, I13).

use api::grpc::{Channel, Status};
use api::message::v1::{Content, content::Text};
use api::text_upload::{INLINE_LIMIT, TextUpload};
use bytes::{Bytes, BytesMut};
use imap_protocol::response::Code;
use message::Scanner;

use crate::answer::{Answer, refusal};

/// See the module. After a failure the rest of the message is passed over.
pub(super) struct Intake {
    channel: Channel,
    scanner: Scanner,
    text: BytesMut,
    text_size: u64,
    upload: Option<TextUpload>,
    failure: Option<Answer>,
}

impl Intake {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            channel,
            scanner: Scanner::new(),
            text: BytesMut::new(),
            text_size: 0,
            upload: None,
            failure: None,
        }
    }

    /// Takes the next octets.
    pub(super) async fn push(&mut self, octets: Bytes) {
        if self.failure.is_some() {
            return;
        }
        let Ok(text) = self.scanner.push(&octets) else {
            self.failure = Some(Answer::no_with(
                Code::Limit,
                "The message's header is too large.",
            ));
            return;
        };
        self.text_size += text.len() as u64;
        self.text.extend_from_slice(text);
        while self.text.len() > INLINE_LIMIT {
            let piece = self.text.split_to(INLINE_LIMIT).freeze();
            self.upload(piece).await;
        }
    }

    async fn upload(&mut self, piece: Bytes) {
        let channel = &self.channel;
        let upload = self
            .upload
            .get_or_insert_with(|| TextUpload::to_mailbox_store(channel.clone()));
        if upload.send(piece).await.is_ok() {
            return;
        }
        let why = match self.upload.take() {
            Some(upload) => upload.finish().await.err(),
            None => None,
        };
        let why = why.unwrap_or_else(|| Status::unavailable("the upload broke off"));
        self.failure = Some(refusal(&why));
        self.text.clear();
    }

    /// The message has ended.
    pub(super) async fn finish(mut self) -> Result<Content, Answer> {
        if self.upload.is_some() && self.failure.is_none() && !self.text.is_empty() {
            let last = self.text.split().freeze();
            self.upload(last).await;
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let text = match self.upload {
            None => Text::Inline(self.text.freeze()),
            Some(upload) => match upload.finish().await {
                Ok(stored) => Text::Stored(stored.id),
                Err(status) => return Err(refusal(&status)),
            },
        };
        let scanned = self
            .scanner
            .finish()
            .map_err(|_| Answer::no_with(Code::Limit, "The message's header is too large."))?;
        Ok(Content {
            header: scanned.header,
            text: Some(text),
            text_size: self.text_size,
            summary: Some(scanned.summary.into()),
        })
    }
}
