#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn limits(total: usize, per_address: usize) -> Limits {
    Limits {
        total,
        per_address,
        busy: b"421 busy\r\n",
    }
}

/// Greets, then waits for the client or for the shutdown to end it.
async fn greet(mut connection: Connection, shutdown: CancellationToken) {
    connection.output().extend_from_slice(b"220 hello\r\n");
    connection.flush().await.unwrap();
    tokio::select! {
        () = shutdown.cancelled() => {
            connection.output().extend_from_slice(b"421 closing\r\n");
            connection.flush().await.unwrap();
        }
        read = connection.fill() => assert_eq!(read.unwrap(), 0),
    }
}

async fn read_line(socket: &mut TcpStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") && socket.read_buf(&mut line).await.unwrap() > 0 {}
    String::from_utf8(line).unwrap()
}

#[tokio::test]
async fn who_finds_no_place_is_told_so_and_a_place_is_given_again() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let server = tokio::spawn(serve(listener, limits(1, 1), shutdown.clone(), move |c| {
        greet(c, token.clone())
    }));

    let mut first = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_line(&mut first).await, "220 hello\r\n");
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_line(&mut second).await, "421 busy\r\n");

    first.shutdown().await.unwrap();
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).await.unwrap();
    // The place is given back moments after the client sees the end.
    loop {
        let mut next = TcpStream::connect(address).await.unwrap();
        if read_line(&mut next).await == "220 hello\r\n" {
            break;
        }
    }
    shutdown.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn on_shutdown_sessions_end_by_themselves_and_nobody_new_is_let_in() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let server = tokio::spawn(serve(listener, limits(9, 9), shutdown.clone(), move |c| {
        greet(c, token.clone())
    }));
    let mut client = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_line(&mut client).await, "220 hello\r\n");
    shutdown.cancel();
    assert_eq!(read_line(&mut client).await, "421 closing\r\n");
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
