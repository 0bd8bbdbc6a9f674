//! Retrieval of messages, and of header sections alone.

use bytes::BytesMut;
use message::header::fields;
use pop3_protocol::dots::{Progress, Unstuffer};

use super::{AFTERTHOUGHT, Remote, RemoteError};
use crate::identity::{Hasher, Identity};

/// Maximum octets in a reply to TOP. A longer header section would be refused.
const LONGEST_HEADER: usize = 2 * message::MAX_HEADER;

/// A message's header section, by TOP.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) identity: Identity,
    octets: Vec<u8>,
}

impl Remote {
    /// RETR: [`Remote::piece`] gives the message. Returns the server's reason if it refuses.
    pub(crate) async fn retrieve(
        &mut self,
        number: u32,
    ) -> Result<Result<(), String>, RemoteError> {
        let answer = self.ask(&format!("RETR {number}")).await?;
        Ok(answer.map(|_| self.retrieval = Some(Unstuffer::default())))
    }

    /// The next piece of the message, unstuffed; `None` at its end. Only then may the next command be sent.
    pub(crate) async fn piece(&mut self) -> Result<Option<BytesMut>, RemoteError> {
        let mut piece = BytesMut::new();
        while let Some(unstuffer) = &mut self.retrieval {
            let progress = unstuffer.pull(self.connection.input(), &mut piece);
            if progress == Progress::Ended {
                self.retrieval = None;
                if !self.connection.input().is_empty() {
                    return Err(RemoteError::OutOfStep);
                }
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
            match progress {
                Progress::Ended => {}
                Progress::Doubtful => self.settle_end().await?,
                Progress::More => {
                    if self.connection.fill().await? == 0 {
                        return Err(RemoteError::Closed);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Waits for data after a doubtful end, such as a dot and a bare LF, and accepts the end if none arrives.
    async fn settle_end(&mut self) -> Result<(), RemoteError> {
        match tokio::time::timeout(AFTERTHOUGHT, self.connection.fill()).await {
            Ok(Ok(1..)) => return Ok(()),
            Ok(Ok(0)) | Err(_) => {}
            Ok(Err(error)) => return Err(error.into()),
        }
        if let Some(unstuffer) = self.retrieval.take() {
            unstuffer.end(self.connection.input());
        }
        Ok(())
    }

    /// A message's header section, by TOP; `None` if the server does not know TOP.
    pub(crate) async fn header(&mut self, number: u32) -> Result<Option<Header>, RemoteError> {
        if !self.offers_top {
            return Ok(None);
        }
        if self.ask(&format!("TOP {number} 0")).await?.is_err() {
            self.offers_top = false;
            return Ok(None);
        }
        self.retrieval = Some(Unstuffer::default());
        let mut hasher = Hasher::default();
        let mut octets = Vec::new();
        while let Some(piece) = self.piece().await? {
            if octets.len() + piece.len() > LONGEST_HEADER {
                return Err(RemoteError::Endless("TOP"));
            }
            hasher.push(&piece);
            octets.extend_from_slice(&piece);
        }
        Ok(Some(Header {
            identity: hasher.finish(),
            octets,
        }))
    }
}

impl Header {
    /// The message's subject, for people.
    pub(crate) fn subject(&self) -> String {
        subject(&self.octets)
    }

    /// Whether it has a Message-ID, which makes its header section unique.
    pub(crate) fn has_message_id(&self) -> bool {
        let mut fields = fields(&self.octets);
        fields.any(|field| field.is("Message-ID") && !field.value.trim_ascii().is_empty())
    }
}

/// The Subject of a header section, decoded; empty if missing.
pub(crate) fn subject(header: &[u8]) -> String {
    fields(header)
        .find(|field| field.is("Subject"))
        .map(|field| message::decode::unstructured(field.value).trim().to_owned())
        .unwrap_or_default()
}
