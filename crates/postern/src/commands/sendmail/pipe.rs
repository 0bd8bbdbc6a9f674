//! `-bs`: SMTP on standard input and output, piped to the listener for other servers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use administration::System;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::exit::Exit;

/// Maximum length of the greeting: RFC 5321 §4.5.3.1.5 allows lines of 512 octets.
const LONGEST_LINE: usize = 1024;

/// Pipes until the server closes.
pub(super) async fn run(system: &System) -> Result<(), Exit> {
    let Some(listener) = system.smtp() else {
        return Err(Exit::Configuration(
            "the configuration names no SMTP listener without implicit TLS".to_owned(),
        ));
    };
    let address = reachable(listener);
    let server = TcpStream::connect(address)
        .await
        .map_err(|error| Exit::Temporary(format!("{address} cannot be reached: {error}")))?;
    talk(server, tokio::io::stdin(), tokio::io::stdout())
        .await
        .map_err(|error| Exit::Temporary(format!("the connection broke: {error}")))
}

/// The address at which a listener can be reached from here.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

/// A client that sends everything at once must still wait for the greeting (RFC 5321 §4.3.1), and receives
/// all replies after it has finished sending.
async fn talk(
    server: TcpStream,
    mut client: impl AsyncRead + Unpin,
    mut answers: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let (from_server, mut to_server) = server.into_split();
    let mut from_server = BufReader::new(from_server);
    let mut greeting = Vec::new();
    loop {
        let read = from_server.fill_buf().await?;
        let end = read.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(read.len(), |end| end + 1);
        greeting.extend_from_slice(read.get(..count).unwrap_or_default());
        from_server.consume(count);
        if end.is_some() || count == 0 || greeting.len() > LONGEST_LINE {
            break;
        }
    }
    answers.write_all(&greeting).await?;
    answers.flush().await?;
    let said = async {
        tokio::io::copy(&mut client, &mut to_server).await?;
        to_server.shutdown().await
    };
    let heard = async {
        tokio::io::copy(&mut from_server, &mut answers).await?;
        answers.flush().await
    };
    tokio::pin!(said, heard);
    tokio::select! {
        heard = &mut heard => heard,
        // A server that has closed reads no more; its earlier replies are still received.
        _said = &mut said => heard.await,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_client_speaks_after_the_greeting_and_hears_everything() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            assert_eq!(
                socket.try_read(&mut [0; 1]).ok(),
                None,
                "nothing before the greeting"
            );
            socket.write_all(b"220 hello\r\n").await.unwrap();
            let mut said = String::new();
            socket.read_to_string(&mut said).await.unwrap();
            socket.write_all(b"250 yes\r\n221 bye\r\n").await.unwrap();
            said
        });
        let mut answers = Vec::new();
        let socket = TcpStream::connect(address).await.unwrap();
        talk(socket, &b"NOOP\r\nQUIT\r\n"[..], &mut answers)
            .await
            .unwrap();
        assert_eq!(server.await.unwrap(), "NOOP\r\nQUIT\r\n");
        assert_eq!(answers, b"220 hello\r\n250 yes\r\n221 bye\r\n");
    }

    #[test]
    fn a_listener_on_every_address_is_reached_by_the_loopback() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:25"), "127.0.0.1:25");
        assert_eq!(at("[::]:25"), "[::1]:25");
        assert_eq!(at("192.0.2.1:25"), "192.0.2.1:25");
    }
}
