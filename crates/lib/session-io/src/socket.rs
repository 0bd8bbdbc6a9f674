//! A TCP socket that acknowledges received data at once while more is expected.
//!
//! Linux delays an acknowledgement by 40 ms if it expects to send it with an answer (`TCP_QUICKACK` in
//! tcp(7)). A peer with Nagle's algorithm (RFC 1122 §4.2.3.4) sends the second small segment of a command
//! only after the first is acknowledged: then both sides wait for each other. So if a read finds no more
//! data, and earlier data is not answered yet, the acknowledgement is sent separately. A command that
//! arrives whole costs nothing: its answer carries the acknowledgement.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The socket. TLS runs over it, so that records and handshakes in several segments are not delayed either.
pub(crate) struct Socket {
    tcp: TcpStream,
    /// Data was read since the last write.
    unanswered: bool,
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            unanswered: false,
        }
    }

    /// Waits until there is something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.tcp.readable().await
    }

    /// Sends the delayed acknowledgement. The option is not permanent (tcp(7)), so it is set each time.
    fn acknowledge(&self) {
        if let Err(error) = quick_ack(SockRef::from(&self.tcp)) {
            tracing::debug!(%error, "TCP_QUICKACK");
        }
    }

    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let written = ready!(written);
        if matches!(written, Ok(1..)) {
            self.unanswered = false;
        }
        Poll::Ready(written)
    }
}

#[cfg(target_os = "linux")]
fn quick_ack(socket: SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_quickack(true)
}

#[cfg(not(target_os = "linux"))]
fn quick_ack(_socket: SockRef<'_>) -> io::Result<()> {
    Ok(())
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.tcp).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) if buf.filled().len() > before => this.unanswered = true,
            Poll::Pending if this.unanswered => {
                this.unanswered = false;
                this.acknowledge();
            }
            Poll::Ready(_) | Poll::Pending => {}
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.tcp).poll_write(cx, buf);
        this.wrote(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.tcp).poll_write_vectored(cx, bufs);
        this.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
