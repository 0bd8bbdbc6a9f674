//! A client that reads line by line.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::running::TIMEOUT;

pub(crate) struct Client {
    socket: TcpStream,
    unread: Vec<u8>,
    /// Timeout of its waits.
    pub(crate) timeout: Duration,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            unread: Vec::new(),
            timeout: TIMEOUT,
        }
    }

    pub(crate) async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.socket.write_all(text.as_ref()).await.unwrap();
    }

    /// The next line without its line end; `None` when the server has closed the connection.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.fill().await == 0 {
                return None;
            }
        }
    }

    /// Reads this many octets.
    pub(crate) async fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            assert_ne!(self.fill().await, 0, "the server closed");
        }
        self.unread.drain(..count).collect()
    }

    async fn fill(&mut self) -> usize {
        let read = self.socket.read_buf(&mut self.unread);
        let count = timeout(self.timeout, read).await;
        count.expect("the server says nothing").unwrap_or(0)
    }

    /// Reads a line, which must match the pattern; `…` stands for any text.
    pub(crate) async fn expect(&mut self, pattern: &str) {
        let line = self.line().await;
        let line = line.unwrap_or_else(|| panic!("expected {pattern:?}, the server closed"));
        assert!(
            matches(pattern, &line),
            "expected {pattern:?}\n     got {line:?}"
        );
    }

    /// Ends the sending side.
    pub(crate) async fn close_write(&mut self) {
        self.socket.shutdown().await.unwrap();
    }

    /// The server must close the connection in the middle of a response.
    pub(crate) async fn expect_end_of_all(mut self) {
        assert_eq!(self.line().await, None, "not expected");
    }

    /// Sends nothing more; the server must send nothing more.
    pub(crate) async fn expect_end(mut self) {
        // The server may have closed the connection before.
        let _ = self.socket.shutdown().await;
        let line = self.line().await;
        assert_eq!(line, None, "not expected");
        assert!(self.unread.is_empty(), "{:?}", self.unread);
    }
}

fn matches(pattern: &str, line: &str) -> bool {
    let mut rest = line;
    for (index, piece) in pattern.split('…').enumerate() {
        let found = match index {
            0 => rest.strip_prefix(piece),
            _ => rest.split_once(piece).map(|(_, behind)| behind),
        };
        match found {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('…')
}
