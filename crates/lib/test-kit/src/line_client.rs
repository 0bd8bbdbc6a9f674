//! A client for line protocols, with TLS and SASL, for tests common to SMTP, IMAP and POP3.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{SaslClient, in_time};

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// One connection.
pub struct LineClient {
    socket: Box<dyn Socket>,
    input: Vec<u8>,
    exporter: Vec<u8>,
}

impl LineClient {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        Self {
            socket: Box::new(TcpStream::connect(address).await.expect("a connection")),
            input: Vec::new(),
            exporter: Vec::new(),
        }
    }

    /// Runs the TLS handshake with this server name.
    #[must_use]
    pub async fn start_tls(self, config: Arc<rustls::ClientConfig>, name: &'static str) -> Self {
        let name = ServerName::try_from(name).expect("a name");
        let connector = TlsConnector::from(config);
        let socket = in_time("a handshake", connector.connect(name, self.socket)).await;
        let socket = socket.expect("TLS");
        let session = socket.get_ref().1;
        let label = b"EXPORTER-Channel-Binding";
        let exporter = session.export_keying_material([0; 32], label, Some(b""));
        Self {
            exporter: exporter.expect("an exporter").to_vec(),
            socket: Box::new(socket),
            input: Vec::new(),
        }
    }

    /// The exported channel binding of the TLS session (RFC 9266).
    #[must_use]
    pub fn exporter(&self) -> &[u8] {
        &self.exporter
    }

    /// Sends a line.
    pub async fn send(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.socket
            .write_all(line.as_bytes())
            .await
            .expect("a socket");
        self.socket.flush().await.expect("a socket");
    }

    /// The next line without its end; empty after the server has closed.
    pub async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.input.drain(..end + 2).collect();
                return String::from_utf8(line[..end].to_vec()).expect("text");
            }
            let read = self.socket.read_buf(&mut self.input);
            // A reset counts as an end.
            if in_time("a line", read).await.unwrap_or(0) == 0 {
                return String::new();
            }
        }
    }

    /// The lines up to the first that begins with `start`.
    pub async fn lines_to(&mut self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "closed after {lines:?}");
            let is_last = line.starts_with(start);
            lines.push(line);
            if is_last {
                return lines;
            }
        }
    }

    /// Sends a line and returns the next.
    pub async fn say(&mut self, line: &str) -> String {
        self.send(line).await;
        self.line().await
    }

    /// Logs in; `command` is everything before the mechanism's name. The first response is sent with the
    /// command, or after a challenge. Returns the final line.
    pub async fn authenticate(
        &mut self,
        command: &str,
        mechanism: &str,
        mut client: SaslClient,
        along: bool,
    ) -> String {
        let mut command = format!("{command} {mechanism}");
        if along && !client.waits() {
            let initial = match STANDARD.encode(client.respond(b"")).as_str() {
                "" => "=".to_owned(),
                initial => initial.to_owned(),
            };
            command = format!("{command} {initial}");
        }
        let mut line = self.say(&command).await;
        loop {
            let challenge = line
                .strip_prefix("+ ")
                .or_else(|| line.strip_prefix("334 "));
            let Some(challenge) = challenge else {
                return line;
            };
            let challenge = STANDARD.decode(challenge).expect("base64");
            let response = STANDARD.encode(client.respond(&challenge));
            line = self.say(&response).await;
        }
    }
}
