//! RETR and TOP: messages are streamed, never held whole (I7).

use api::grpc::{Code, Status};
use pop3_protocol::dots::Stuffer;
use pop3_protocol::server::{Top, reply};

use super::{Client, End};

/// Minimum and maximum octets of a text that TOP reads at a time.
const LEAST_TOP: u64 = 4 * 1024;
const MOST_TOP: u64 = 256 * 1024;

impl Client {
    /// RETR.
    pub(super) async fn retrieve(&mut self, uid: u32, size: u64) -> Result<(), End> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        let store = &self.server.store;
        // The first piece is read before +OK: afterwards a failure can only be reported by closing the
        // connection.
        let opened = async {
            let mut octets = store.read(lock, uid, 0, 0).await?;
            let first = octets.next().await?;
            Ok((octets, first))
        };
        let (mut octets, mut piece) = match opened.await {
            Ok(opened) => opened,
            Err(error) => return self.not_read(&error),
        };
        reply::message_follows(size, self.connection.output());
        let mut stuffer = Stuffer::default();
        while let Some(bytes) = piece {
            stuffer.push(&bytes, self.connection.output());
            self.connection.flush().await?;
            // A client that reads its reply is not idle.
            self.connection.of_use();
            piece = octets.next().await.map_err(|error| broken_off(&error))?;
        }
        stuffer.finish(self.connection.output());
        Ok(())
    }

    /// TOP: the stored header, and no more of the text than requested.
    pub(super) async fn top(&mut self, uid: u32, lines: u64) -> Result<(), End> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        let store = &self.server.store;
        let header = match store.header(lock, uid).await {
            Ok(Some(header)) => header,
            Ok(None) => return self.not_read(&Status::new(Code::NotFound, "")),
            Err(error) => return self.not_read(&error),
        };
        reply::top_follows(self.connection.output());
        let mut stuffer = Stuffer::default();
        stuffer.push(&header, self.connection.output());
        let mut top = Top::new(lines);
        let mut offset = header.len() as u64;
        while !top.is_complete() {
            let length = top.octets_wanted().clamp(LEAST_TOP, MOST_TOP);
            let read = store.read(lock, uid, offset, length).await;
            let mut octets = read.map_err(|error| broken_off(&error))?;
            let mut came = 0;
            while let Some(piece) = octets.next().await.map_err(|error| broken_off(&error))? {
                came += piece.len() as u64;
                stuffer.push(top.push(&piece), self.connection.output());
            }
            self.connection.flush().await?;
            offset += came;
            if came < length {
                break;
            }
        }
        stuffer.finish(self.connection.output());
        Ok(())
    }

    /// Replies that a message cannot be read; the session continues.
    fn not_read(&mut self, error: &Status) -> Result<(), End> {
        let answer = if error.code() == Code::NotFound {
            reply::GONE
        } else {
            tracing::warn!(%error, "a message was not read");
            reply::NOT_NOW
        };
        self.connection.output().extend_from_slice(answer);
        Ok(())
    }
}

fn broken_off(error: &Status) -> End {
    tracing::warn!(%error, "a message broke off");
    End::BrokenOff
}
