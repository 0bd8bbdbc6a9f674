//! A server with configurable behaviour: accepts everything, refuses some recipients, or hangs.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// The server; its threads end with the test program.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    away: Arc<AtomicBool>,
    taken: Mutex<Receiver<String>>,
}

impl Sink {
    /// Accepts every message, but replies 550 to `RCPT` for local parts that begin with `no`. The first
    /// `hanging` connections get a greeting and no further reply.
    pub fn start(hanging: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (taken, receiver) = channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let away = Arc::new(AtomicBool::new(false));
        let is_away = Arc::clone(&away);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_away.load(Ordering::SeqCst) {
                    continue;
                }
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let taken = taken.clone();
                std::thread::spawn(move || serve(stream, number < hanging, &taken));
            }
        });
        Self {
            address,
            connections,
            away,
            taken: Mutex::new(receiver),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on connections are closed at once.
    pub fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    /// It serves again.
    pub fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    /// Number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The next accepted message, with its envelope recipients in the first line.
    pub fn next(&self) -> String {
        self.taken
            .lock()
            .unwrap()
            .recv_timeout(super::SOON)
            .expect("a message at the sink")
    }
}

fn serve(stream: TcpStream, hangs: bool, taken: &Sender<String>) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes()).ok();
    let mut lines = BufReader::new(stream).lines();
    say("220 sink.test")?;
    if hangs {
        // Until the peer gives up.
        while lines.next()?.is_ok() {}
        return None;
    }
    let mut recipients = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        match line
            .get(..4)
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "EHLO" => say("250-sink.test\r\n250 8BITMIME")?,
            "RCPT" if line.contains("<no") => say("550 5.1.1 nobody here")?,
            "RCPT" => {
                recipients.push(line);
                say("250 2.1.5 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                let message: Vec<String> = lines
                    .by_ref()
                    .map_while(Result::ok)
                    .take_while(|line| line != ".")
                    .collect();
                say("250 2.0.0 taken")?;
                let _nobody_asks =
                    taken.send(format!("{}\n{}", recipients.join(" "), message.join("\n")));
                recipients.clear();
            }
            "QUIT" => return say("221 2.0.0 bye"),
            _ => say("250 2.0.0 ok")?,
        }
    }
    None
}
