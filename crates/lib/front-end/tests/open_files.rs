//! A listener in a process that has no file descriptors left. One test, since the limit is the
//! process's.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use std::net::SocketAddr;
use std::time::Duration;

use front_end::{FrontEnd, Limits, ListenerConfig, MakeRoom, Opening, Protocol, Shards};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use service_kit::Service;
use session_io::{Connection, SessionError};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const HELLO: &[u8] = b"220 hello\r\n";
const BUSY: &[u8] = b"421 busy\r\n";
const TIME_LIMIT: Duration = Duration::from_secs(20);

async fn greet(mut connection: Connection) {
    connection.output().extend_from_slice(HELLO);
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

fn limit_open_files(most: u64) {
    let limit = Rlimit {
        current: Some(most),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// The descriptors in use.
fn open_files() -> u64 {
    std::fs::read_dir("/proc/self/fd").unwrap().count() as u64
}

/// Connects from one of many addresses; the answer's first line.
async fn connect(to: SocketAddr, socket: TcpSocket, last: u8) -> (TcpStream, Vec<u8>) {
    socket.bind(([127, 0, 0, last], 0).into()).unwrap();
    let mut socket = socket.connect(to).await.unwrap();
    let mut line = Vec::new();
    let read = async {
        while !line.ends_with(b"\r\n") && socket.read_buf(&mut line).await.unwrap() > 0 {}
    };
    timeout(TIME_LIMIT, read).await.expect("nobody was greeted");
    (socket, line)
}

#[tokio::test]
async fn without_descriptors_newcomers_are_greeted_and_those_of_no_use_make_room() {
    let limits = Limits {
        total: 1000,
        strangers: 1000,
        per_address: 1000,
        make_room_after: MakeRoom {
            strangers: Duration::ZERO,
            known: Duration::from_secs(60),
        },
    };
    let protocol = Protocol {
        section: "test",
        busy: BUSY,
        has_proxy_command: false,
    };
    let opening = Opening {
        name: "test".into(),
        config: ListenerConfig::at("127.0.0.1:0".parse().unwrap()),
        limits,
        own: (),
    };
    let service = Service::for_tests("test");
    let front_end = FrontEnd::open(&protocol, [opening], &service).unwrap();
    let running = front_end.serve(&Shards::here(), |connection, _, _| greet(connection));
    let address = running.addresses()[0];
    tokio::spawn(running.wait());

    // The clients' sockets are this process's too: they are made first.
    let (crowd, later) = (20, 40);
    let mut sockets: Vec<_> = (0..crowd + later)
        .map(|_| TcpSocket::new_v4().unwrap())
        .collect();
    let mut held = Vec::new();
    limit_open_files(open_files() + crowd / 2);
    let mut greeted = 0;
    for number in 0..crowd + later {
        let from = if number < crowd { 2 } else { 3 };
        let (client, line) = connect(address, sockets.pop().unwrap(), from).await;
        // Those whose places others would get may not have begun to wait.
        assert!(line == HELLO || line == BUSY, "{line:?}");
        greeted += u64::from(line == HELLO);
        held.push(client);
    }
    assert!(greeted > crowd, "{greeted} were greeted");
}
