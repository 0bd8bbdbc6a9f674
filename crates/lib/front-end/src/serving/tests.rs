#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::*;
use crate::{MakeRoom, ProxyHeader};

fn limits(total: usize, per_address: usize) -> Limits {
    Limits {
        total,
        strangers: total,
        per_address,
        make_room_after: MakeRoom {
            strangers: Duration::from_secs(3),
            known: Duration::from_secs(30),
        },
    }
}

fn terms(limits: Limits, proxies: Proxies) -> Terms {
    Terms {
        limits,
        busy: b"421 busy\r\n",
        proxies,
    }
}

/// Without proxies, on this runtime.
async fn serve_here<H, F>(
    listener: TcpListener,
    limits: Limits,
    shutdown: CancellationToken,
    handler: H,
) where
    H: Fn(Connection) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let terms = terms(limits, Proxies::default());
    let handler = move |connection, _| handler(connection);
    serve(listener, terms, Shards::here(), shutdown, handler).await;
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
async fn who_finds_no_slot_is_told_so_and_a_slot_is_given_again() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let server = tokio::spawn(serve_here(
        listener,
        limits(1, 1),
        shutdown.clone(),
        move |c| greet(c, token.clone()),
    ));

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

/// A thread with a runtime, until the token is cancelled.
fn shard(end: &CancellationToken) -> (Handle, std::thread::JoinHandle<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (handle, end) = (runtime.handle().clone(), end.clone());
    let thread = std::thread::spawn(move || runtime.block_on(end.cancelled()));
    (handle, thread)
}

#[tokio::test]
async fn connections_are_dealt_out_to_threads_and_all_are_waited_for() {
    let end = CancellationToken::new();
    let (one, one_ends) = shard(&end);
    let (two, two_ends) = shard(&end);
    let shards = Shards::new([(one, Arc::new("one")), (two, Arc::new("two"))]);
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let handler = move |mut connection: Connection, name: Arc<&'static str>| {
        let token = token.clone();
        async move {
            let thread = std::thread::current().id();
            let line = format!("{name} {thread:?}\r\n");
            connection.output().extend_from_slice(line.as_bytes());
            connection.flush().await.unwrap();
            token.cancelled().await;
            connection.output().extend_from_slice(b"bye\r\n");
            connection.flush().await.unwrap();
            connection.close().await.unwrap();
        }
    };
    let mut listeners = JoinSet::new();
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        addresses.push(listener.local_addr().unwrap());
        listeners.spawn(serve(
            listener,
            terms(limits(9, 9), Proxies::default()),
            shards.clone(),
            shutdown.clone(),
            handler.clone(),
        ));
    }
    let mut clients = Vec::new();
    let mut lines = Vec::new();
    for address in [addresses[0], addresses[1], addresses[1], addresses[0]] {
        let mut client = TcpStream::connect(address).await.unwrap();
        lines.push(read_line(&mut client).await);
        clients.push(client);
    }
    assert!(lines[0].starts_with("one ") && lines[1].starts_with("two "));
    assert_eq!((&lines[0], &lines[1]), (&lines[2], &lines[3]));
    assert_ne!(
        lines[0].split_once(' ').unwrap().1,
        lines[1].split_once(' ').unwrap().1,
        "each is a thread"
    );

    shutdown.cancel();
    while let Some(ended) = listeners.join_next().await {
        ended.unwrap();
    }
    // Nobody was left behind: what they had to say is there.
    for mut client in clients {
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "bye\r\n");
    }
    end.cancel();
    one_ends.join().unwrap();
    two_ends.join().unwrap();
}

/// Greets, and says why it ends where somebody else gets the place.
async fn greet_until_displaced(mut connection: Connection) {
    connection.output().extend_from_slice(b"220 hello\r\n");
    let ended = async {
        connection.flush().await?;
        while connection.fill().await? > 0 {}
        Ok(())
    };
    if let Err(SessionError::Displaced) = ended.await {
        connection.output().extend_from_slice(b"421 make room\r\n");
        connection.flush().await.unwrap();
        connection.close().await.unwrap();
    }
}

/// Connects from an address of its own until it is greeted.
async fn greeted(address: SocketAddr, last: u8) -> TcpStream {
    loop {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        let mut socket = socket.connect(address).await.unwrap();
        // Those who are greeted offer their places a moment later.
        if read_line(&mut socket).await == "220 hello\r\n" {
            return socket;
        }
    }
}

#[tokio::test]
async fn a_connection_of_no_use_leaves_its_place_to_a_newcomer() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let at_once = MakeRoom {
        strangers: Duration::ZERO,
        known: Duration::ZERO,
    };
    let limits = Limits {
        make_room_after: at_once,
        ..limits(1, 1)
    };
    let shutdown = CancellationToken::new();
    tokio::spawn(serve_here(
        listener,
        limits,
        shutdown,
        greet_until_displaced,
    ));

    let mut idle = greeted(address, 1).await;
    // One address has its one connection.
    let mut same = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_line(&mut same).await, "421 busy\r\n");
    let mut newcomer = greeted(address, 2).await;
    assert_eq!(read_line(&mut idle).await, "421 make room\r\n");
    greeted(address, 3).await;
    assert_eq!(read_line(&mut newcomer).await, "421 make room\r\n");
}

#[tokio::test]
async fn on_shutdown_sessions_end_by_themselves_and_nobody_new_is_let_in() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let server = tokio::spawn(serve_here(
        listener,
        limits(9, 9),
        shutdown.clone(),
        move |c| greet(c, token.clone()),
    ));
    let mut client = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_line(&mut client).await, "220 hello\r\n");
    shutdown.cancel();
    assert_eq!(read_line(&mut client).await, "421 closing\r\n");
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// Serves behind the proxy 127.0.0.1 and says who the peer is.
fn behind(limits: Limits, networks: &[&str]) -> (std::net::SocketAddr, CancellationToken) {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let networks = networks.iter().map(|n| n.parse().unwrap()).collect();
    let shutdown = CancellationToken::new();
    tokio::spawn(serve(
        listener,
        terms(limits, Proxies::new(networks, true)),
        Shards::here(),
        shutdown.clone(),
        |mut connection: Connection, _| async move {
            let (peer, local) = (connection.peer(), connection.local());
            let line = match connection.proxy() {
                Some(proxy) => format!("{peer} {local} by {proxy}\r\n"),
                None => "direct\r\n".to_owned(),
            };
            connection.output().extend_from_slice(line.as_bytes());
            connection.flush().await.unwrap();
            while !connection.input().ends_with(b"\r\n") && connection.fill().await.unwrap() > 0 {}
            let said = connection.input().split();
            connection.write(&said).await.unwrap();
            while connection.fill().await.unwrap() > 0 {}
        },
    ));
    (address, shutdown)
}

/// A header in two pieces, the second sent when the first has been taken; and what is left behind it.
async fn read_cut(octets: &[u8], cut: usize, behind: usize) -> (ProxyHeader, Vec<u8>) {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (mut client, mut server) = (client.unwrap(), accepted.unwrap().0);
    client.set_nodelay(true).unwrap();
    let watched = socket2::SockRef::from(&server).try_clone().unwrap();
    let reading = tokio::spawn(async move { (read_header(&mut server).await, server) });
    client.write_all(&octets[..cut]).await.unwrap();
    let unread = || watched.peek(&mut [std::mem::MaybeUninit::uninit()]).is_ok();
    while unread() && !reading.is_finished() {
        tokio::task::yield_now().await;
    }
    client.write_all(&octets[cut..]).await.unwrap();
    let (header, mut server) = reading.await.unwrap();
    let mut rest = vec![0; behind];
    server.read_exact(&mut rest).await.unwrap();
    (header.unwrap(), rest)
}

#[tokio::test]
async fn a_header_is_read_at_any_fragmentation_and_what_follows_is_left() {
    let mut binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    binary.extend([203, 0, 113, 9, 192, 0, 2, 1, 0xdc, 0x04, 0, 25]);
    let text = b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 25\r\n".to_vec();
    let told = ProxyHeader::Addresses {
        source: "203.0.113.9:56324".parse().unwrap(),
        destination: "192.0.2.1:25".parse().unwrap(),
    };
    for header in [binary, text] {
        let octets = [&header[..], b"EHLO x\r\n"].concat();
        for cut in 0..octets.len() {
            let (header, rest) = read_cut(&octets, cut, 8).await;
            assert_eq!((header, &rest[..]), (told, &b"EHLO x\r\n"[..]), "{cut}");
        }
    }
}

#[tokio::test]
async fn a_header_of_four_thousand_octets_is_read() {
    let mut octets = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x0f\xf0".to_vec();
    octets.extend(vec![7; 4080]);
    octets.push(b'E');
    let (header, rest) = read_cut(&octets, 1500, 1).await;
    assert_eq!((header, &rest[..]), (ProxyHeader::Unspecified, &b"E"[..]));
}

#[tokio::test]
async fn the_peer_is_the_client_that_a_proxy_tells_of_or_the_proxy_itself() {
    let (address, _shutdown) = behind(limits(9, 9), &["127.0.0.0/8"]);
    let mut socket = TcpStream::connect(address).await.unwrap();
    let header = b"PROXY TCP6 2001:db8::9 2001:db8::1 56324 25\r\n";
    socket.write_all(header).await.unwrap();
    let told = "[2001:db8::9]:56324 [2001:db8::1]:25 by 127.0.0.1\r\n";
    assert_eq!(read_line(&mut socket).await, told);
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"PROXY UNKNOWN\r\n").await.unwrap();
    let peer = socket.local_addr().unwrap();
    let told = format!("{peer} {address} by 127.0.0.1\r\n");
    assert_eq!(read_line(&mut socket).await, told);
}

#[tokio::test]
async fn a_proxy_without_a_good_header_is_closed_without_a_word() {
    let (address, _shutdown) = behind(limits(9, 9), &["127.0.0.1"]);
    for wrong in [
        "EHLO x\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 x 25\r\n",
        "PROXY TCP4 203.0.113.9\n",
        "\r\n\r\n\0\r\nQUIT\n\u{22}\u{11}\0\0",
    ] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(wrong.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        // Closed with octets unread, the end may come as a reset.
        let _ = socket.read_to_end(&mut said).await;
        assert!(said.is_empty(), "{wrong:?}");
    }
    // One that goes before it has said all.
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"PROXY TC").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(read_line(&mut socket).await, "");
}

#[tokio::test]
async fn a_header_from_elsewhere_is_no_header() {
    let (address, _shutdown) = behind(limits(9, 9), &["192.0.2.0/24"]);
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"PROXY UNKNOWN\r\n").await.unwrap();
    let mut said = [0; 23];
    socket.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"direct\r\nPROXY UNKNOWN\r\n");
}

#[tokio::test]
async fn behind_a_proxy_the_limit_is_that_of_the_client_it_tells_of() {
    let (address, _shutdown) = behind(limits(4, 1), &["127.0.0.1"]);
    let connect = |client: &'static str| async move {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let header = format!("PROXY TCP4 {client} 192.0.2.1 1 25\r\n");
        socket.write_all(header.as_bytes()).await.unwrap();
        let line = read_line(&mut socket).await;
        (socket, line)
    };
    let (_one, line) = connect("203.0.113.1").await;
    assert!(line.starts_with("203.0.113.1:1 "), "{line}");
    let (_two, line) = connect("203.0.113.2").await;
    assert!(line.starts_with("203.0.113.2:1 "), "{line}");
    let (_again, line) = connect("203.0.113.1").await;
    assert_eq!(line, "421 busy\r\n");
}
