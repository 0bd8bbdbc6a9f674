//! Connections held open: silent, or with an octet now and then, which defeats a time limit on silence
//! ("slow loris").

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::senders::CLIENT;

/// Connections from each address.
const PER_ADDRESS: usize = 100;

/// Simultaneous connects: a listener's backlog is finite.
const AT_ONCE: usize = 200;

/// Time limit until all are connected.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(120);

/// Pause before a closed connection is opened again.
const PAUSE: Duration = Duration::from_millis(100);

const BETWEEN_OCTETS: Duration = Duration::from_secs(1);

/// The text of a slow client, an octet a second.
const SLOWLY: &[u8] =
    b"EHLO slow.test\r\nMAIL FROM:<sender@s0.senders.test>\r\nRCPT TO:<x@discard.test>\r\nDATA\r\n\
    Subject: one octet after the other\r\n";

/// The behaviour after the greeting.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Manner {
    /// EHLO, then silence; a closed connection is not reopened.
    Idle,
    /// An octet a second; a closed connection is reopened.
    Slow,
    /// Silence, in any protocol; a closed connection is reopened.
    Silent,
}

/// A crowd of connections; they close when this is dropped.
pub(crate) struct Crowd {
    counts: Arc<Counts>,
    _leave: DropGuard,
}

#[derive(Default)]
struct Counts {
    /// Members that have tried to connect.
    came: AtomicUsize,
    /// Members that are connected.
    inside: AtomicUsize,
    /// Number of accepted connections.
    entries: AtomicUsize,
}

impl Crowd {
    /// Opens connections, and waits until each member has tried to connect.
    pub(crate) fn gather(port: u16, members: usize, manner: Manner) -> Result<Self> {
        let counts = Arc::new(Counts::default());
        let leave = CancellationToken::new();
        let crowd = Self {
            counts: Arc::clone(&counts),
            _leave: leave.clone().drop_guard(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::spawn(move || {
            let gathering = arrive(port, members, manner, counts);
            let set = tokio::task::LocalSet::new();
            runtime.block_on(leave.run_until_cancelled(set.run_until(gathering)));
        });
        let start = Instant::now();
        while crowd.counts.came.load(Ordering::Relaxed) < members {
            if start.elapsed() > CONNECT_TIMEOUT {
                bail!("a crowd of {members} did not gather");
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(crowd)
    }

    /// The number of open connections.
    pub(crate) fn inside(&self) -> usize {
        self.counts.inside.load(Ordering::Relaxed)
    }

    /// The number of accepted connections so far.
    pub(crate) fn entries(&self) -> usize {
        self.counts.entries.load(Ordering::Relaxed)
    }
}

async fn arrive(port: u16, members: usize, manner: Manner, counts: Arc<Counts>) {
    let door = Arc::new(Semaphore::new(AT_ONCE));
    for number in 0..members {
        let (counts, door) = (Arc::clone(&counts), Arc::clone(&door));
        tokio::task::spawn_local(member(port, number, manner, counts, door));
    }
    std::future::pending().await
}

async fn member(
    port: u16,
    number: usize,
    manner: Manner,
    counts: Arc<Counts>,
    door: Arc<Semaphore>,
) {
    let mut known = false;
    loop {
        let connected = {
            let _turn = door.acquire().await;
            connect(port, number).await
        };
        if !known {
            known = true;
            counts.came.fetch_add(1, Ordering::Relaxed);
        }
        if let Ok(stream) = connected {
            counts.inside.fetch_add(1, Ordering::Relaxed);
            counts.entries.fetch_add(1, Ordering::Relaxed);
            let _ = match manner {
                Manner::Idle => idle(stream).await,
                Manner::Slow => speak_slowly(stream).await,
                Manner::Silent => say_nothing(stream).await,
            };
            counts.inside.fetch_sub(1, Ordering::Relaxed);
        }
        if manner == Manner::Idle {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A greeted connection from the address of the member's group.
async fn connect(port: u16, number: usize) -> Result<TcpStream> {
    let group = u16::try_from(number / PER_ADDRESS)?.to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    let source = Ipv4Addr::new(127, 1, group[0], group[1]);
    socket.bind(SocketAddr::from((source, 0)))?;
    let mut stream = socket
        .connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .await?;
    let mut greeting = [0; 512];
    let count = stream.read(&mut greeting).await?;
    let greetings: [&[u8]; 3] = [b"220", b"* OK", b"+OK"];
    let greeted = |greeting: &[u8]| greetings.iter().any(|line| greeting.starts_with(line));
    greeted(&greeting[..count])
        .then_some(stream)
        .context("sent away at once")
}

async fn idle(mut stream: TcpStream) -> Result<()> {
    let hello = format!("EHLO {CLIENT}\r\n");
    stream.write_all(hello.as_bytes()).await?;
    while stream.read(&mut [0; 512]).await? > 0 {}
    Ok(())
}

async fn say_nothing(mut stream: TcpStream) -> Result<()> {
    while stream.read(&mut [0; 512]).await? > 0 {}
    Ok(())
}

async fn speak_slowly(mut stream: TcpStream) -> Result<()> {
    let mut said = [0; 512];
    for octet in SLOWLY.iter().chain(std::iter::repeat(&b'x')) {
        stream.write_all(std::slice::from_ref(octet)).await?;
        let next = Instant::now() + BETWEEN_OCTETS;
        while let Ok(read) = timeout_at(next.into(), stream.read(&mut said)).await {
            if read? == 0 {
                return Ok(());
            }
        }
    }
    Ok(())
}
