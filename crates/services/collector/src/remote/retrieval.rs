//! Messages, and their header sections alone.

use bytes::BytesMut;
use message::header::fields;
use pop3_protocol::dots::{Progress, Unstuffer};

use super::{AFTERTHOUGHT, Remote, RemoteError};
use crate::identity::{Hasher, Identity};

/// What TOP may answer, octets. A longer header section would not be taken.
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

    /// The next piece of the message, without the dots; nothing at its end. The next command can
    /// be said then, and not before.
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

    /// Waits for what may follow a doubtful end, such as a dot and LF alone, and takes the end if nothing does.
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

    /// A message's header section, by TOP; nothing when the server does not know TOP.
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
    /// What the message is about, for people.
    pub(crate) fn subject(&self) -> String {
        subject(&self.octets)
    }

    /// Whether it has a Message-ID: then no other message has the same header section.
    pub(crate) fn has_message_id(&self) -> bool {
        let mut fields = fields(&self.octets);
        fields.any(|field| field.is("Message-ID") && !field.value.trim_ascii().is_empty())
    }
}

/// The Subject of a header section, decoded; empty when there is none.
pub(crate) fn subject(header: &[u8]) -> String {
    fields(header)
        .find(|field| field.is("Subject"))
        .map(|field| message::decode::unstructured(field.value).trim().to_owned())
        .unwrap_or_default()
}
