//! A scripted client.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use test_kit::TestCertificate;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// A scripted client.
pub(crate) struct Client {
    socket: Box<dyn Socket>,
    input: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self {
            socket: Box::new(TcpStream::connect(address).await.unwrap()),
            input: Vec::new(),
        }
    }

    pub(crate) async fn start_tls(self, certificate: &TestCertificate) -> Self {
        self.start_tls_with(certificate.client_config()).await
    }

    pub(crate) async fn start_tls_with(self, config: Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("mail.example.test").unwrap();
        let connector = TlsConnector::from(config);
        let socket = connector.connect(name, self.socket).await.unwrap();
        Self {
            socket: Box::new(socket),
            input: Vec::new(),
        }
    }

    /// As [`Client::start_tls`]; also returns the session's keying material for channel binding (RFC 9266).
    pub(crate) async fn start_bound_tls(self, certificate: &TestCertificate) -> (Self, Vec<u8>) {
        let name = ServerName::try_from("mail.example.test").unwrap();
        let connector = TlsConnector::from(certificate.client_config());
        let socket = connector.connect(name, self.socket).await.unwrap();
        let session = socket.get_ref().1;
        let label = b"EXPORTER-Channel-Binding";
        let exported = session.export_keying_material([0; 32], label, Some(b""));
        let client = Self {
            socket: Box::new(socket),
            input: Vec::new(),
        };
        (client, exported.unwrap().to_vec())
    }

    /// The error with which the connection ends without a reply.
    pub(crate) async fn failure(&mut self) -> String {
        match self.socket.read_buf(&mut self.input).await {
            Ok(read) => panic!("{read} octets, not a failure"),
            Err(error) => error.to_string(),
        }
    }

    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.socket.write_all(octets.as_ref()).await.unwrap();
        self.socket.flush().await.unwrap();
    }

    /// Sends a line and checks the code of the reply.
    pub(crate) async fn say(&mut self, line: &str, code: u16) -> String {
        self.send(format!("{line}\r\n")).await;
        self.expect(code).await
    }

    pub(crate) async fn expect(&mut self, code: u16) -> String {
        let (got, text) = self.reply().await;
        assert_eq!(got, code, "{text}");
        text
    }

    /// One reply, of any number of lines; code 0 when the connection has ended.
    pub(crate) async fn reply(&mut self) -> (u16, String) {
        let mut text = String::new();
        loop {
            let Some(line) = self.line().await else {
                return (0, text);
            };
            text.push_str(&line);
            text.push('\n');
            if line.as_bytes().get(3) == Some(&b' ') {
                return (line[..3].parse().unwrap(), text);
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.input.drain(..end + 2).collect();
                return Some(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            // A reset also counts as the end.
            if self.socket.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Sends no more, but still reads replies.
    pub(crate) async fn half_close(&mut self) {
        self.socket.shutdown().await.unwrap();
    }

    /// Checks that the server has closed the connection.
    pub(crate) async fn expect_end(&mut self) {
        let (code, text) = self.reply().await;
        assert_eq!((code, text.as_str()), (0, ""));
    }

    /// MAIL and RCPT, accepted.
    pub(crate) async fn envelope(&mut self, from: &str, to: &str) {
        self.say(&format!("MAIL FROM:<{from}>"), 250).await;
        self.say(&format!("RCPT TO:<{to}>"), 250).await;
    }

    /// DATA with the message in its wire form.
    pub(crate) async fn data(&mut self, message: impl AsRef<[u8]>, code: u16) -> String {
        self.say("DATA", 354).await;
        self.send(message).await;
        self.send("\r\n.\r\n").await;
        self.expect(code).await
    }
}
