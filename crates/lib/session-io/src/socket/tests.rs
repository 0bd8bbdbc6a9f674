#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

async fn pair() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (Socket::new(accepted.unwrap().0), client.unwrap())
}

async fn read(socket: &mut Socket, text: &[u8]) {
    let mut read = vec![0; text.len()];
    socket.read_exact(&mut read).await.unwrap();
    assert_eq!(read, text);
}

/// Reads once more, and finds nothing.
async fn find_nothing(socket: &mut Socket) {
    let mut one = [0];
    tokio::select! {
        biased;
        read = socket.read(&mut one) => panic!("{read:?}"),
        () = std::future::ready(()) => {}
    }
}

fn acknowledges_at_once(socket: &Socket) -> bool {
    SockRef::from(&socket.tcp).tcp_quickack().unwrap()
}

#[tokio::test]
async fn half_a_command_is_acknowledged_when_the_rest_is_awaited() {
    let (mut server, mut client) = pair().await;
    for round in 0..20 {
        client.write_all(b"NO").await.unwrap();
        read(&mut server, b"NO").await;
        find_nothing(&mut server).await;
        assert!(acknowledges_at_once(&server), "round {round}");
        client.write_all(b"OP\r\n").await.unwrap();
        read(&mut server, b"OP\r\n").await;
        server.write_all(b"250 OK\r\n").await.unwrap();
        client.read_exact(&mut [0; 8]).await.unwrap();
    }
}

#[tokio::test]
async fn an_answered_command_is_not_acknowledged_on_its_own() {
    let (mut server, mut client) = pair().await;
    for _ in 0..20 {
        client.write_all(b"NOOP\r\n").await.unwrap();
        read(&mut server, b"NOOP\r\n").await;
        server.write_all(b"250 OK\r\n").await.unwrap();
        client.read_exact(&mut [0; 8]).await.unwrap();
        find_nothing(&mut server).await;
    }
    assert!(!acknowledges_at_once(&server));
}
