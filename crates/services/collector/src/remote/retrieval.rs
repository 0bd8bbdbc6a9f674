//! Messages, and their header sections alone.

use bytes::BytesMut;
use pop3_protocol::dots::{Progress, Unstuffer};

use super::{Remote, RemoteError};
use crate::identity::HeaderHasher;

/// What TOP may answer, octets. Only headers of messages that were collected are asked for, and a
/// longer one would not have been taken.
const LONGEST_HEADER: usize = 2 * message::MAX_HEADER;

impl Remote {
    /// RETR: [`Remote::piece`] gives the message. What is told is why the server will not.
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
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
            if progress == Progress::More && self.connection.fill().await? == 0 {
                return Err(RemoteError::Closed);
            }
        }
        Ok(None)
    }

    /// The hash of a message's header section, by TOP; nothing when the server does not know TOP.
    pub(crate) async fn header(&mut self, number: u32) -> Result<Option<[u8; 32]>, RemoteError> {
        if !self.offers_top {
            return Ok(None);
        }
        if self.ask(&format!("TOP {number} 0")).await?.is_err() {
            self.offers_top = false;
            return Ok(None);
        }
        self.retrieval = Some(Unstuffer::default());
        let mut hasher = HeaderHasher::new();
        let mut size = 0;
        while let Some(piece) = self.piece().await? {
            size += piece.len();
            if size > LONGEST_HEADER {
                return Err(RemoteError::Endless("TOP"));
            }
            hasher.push(&piece);
        }
        Ok(Some(hasher.finish()))
    }
}
